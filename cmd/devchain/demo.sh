#!/bin/sh
# The main job, start to end, as an exchange, an auditor and a stranger would do it: real local chains, a ledger of 10,000 customers, a
# draft that two of three people approve, a signed bundle, its entry in a transparency log that a witness cosigns, an auditor's finding beside it, its verification, and a tampered copy that is refused.
# `make demo` builds what it needs and calls it; everything it makes lies under build/demo.
set -eu

bin=${ASSAY_BIN:-$PWD/build/bin}
demo=${ASSAY_DEMO:-$PWD/build/demo}
step() { printf '\n== %s\n' "$*"; }

# A second copy of this demo works beside the first: ports are free ones, and each copy has a folder of its own.
if [ -e "$demo/.running" ] && kill -0 "$(cat "$demo/.running")" 2>/dev/null; then
  demo=$demo-$$
fi
rm -rf "$demo"
mkdir -p "$demo"
echo $$ > "$demo/.running"
cd "$demo"

chain_pid= serve_pid= witness_pid=
cleanup() {
  code=$?
  trap - EXIT INT TERM
  for pid in $serve_pid $witness_pid $chain_pid; do kill "$pid" 2>/dev/null || true; done
  for pid in $serve_pid $witness_pid $chain_pid; do wait "$pid" 2>/dev/null || true; done
  rm -f "$demo/.running"
  [ "$code" -eq 0 ] || echo "demo: failed (exit $code); what it made is in $demo" >&2
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for FILE PID WORDS: until the file says so; fails when the process is gone.
wait_for() {
  tries=0
  until grep -q "$3" "$1" 2>/dev/null; do
    kill -0 "$2" 2>/dev/null || { echo "demo: the process that writes $1 is gone" >&2; return 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 3000 ] || { echo "demo: $1 does not say \"$3\" after five minutes" >&2; return 1; }
    sleep 0.1
  done
}

ASSAY_PASSPHRASE=demo
export ASSAY_PASSPHRASE

step "starting an Ethereum-like chain and a Bitcoin simnet, with funded wallets"
"$bin/devchain" up --dir chains --btcd "$bin/btcd" > chains.log 2>&1 &
chain_pid=$!
wait_for chains/devchain.json "$chain_pid" . || { cat chains.log >&2; exit 1; }
"$bin/devchain" config --dir chains > assay.toml
"$bin/assay" init
"$bin/devchain" anchors --dir chains >> policy.toml

step "three people who may approve a statement, two of whom must; an auditor; each with a key of their own"
for who in alice bob carol auditor; do "$bin/assay" keys new "$who.age"; done
printf '\n[approvals]\nrequired = 2\nkeys = ["alice.pub", "bob.pub", "carol.pub"]\n' >> assay.toml
printf '\n[approvals]\nrequired = 2\nkeys = ["%s", "%s", "%s"]\n' "$(cat alice.pub)" "$(cat bob.pub)" "$(cat carol.pub)" >> policy.toml
printf '\n[[auditor]]\nname = "Example Accountants"\nkeys = ["%s"]\n\n' "$(cat auditor.pub)" >> policy.toml

step "a transparency log, and a witness that somebody else runs; what a verifier believes of them goes into the policy"
mkdir witness
printf '[witness]\nname = "witness.example"\ndir = "seen"\n' > witness/assay.toml
witness_key=$("$bin/assay" witness init --config witness/assay.toml | sed -n 's/^verifier key: //p')
printf '\n[log]\norigin = "demo.example/log"\nwitnesses = [{ key = "%s", url = "http://127.0.0.1:0" }]\nquorum = 1\n' "$witness_key" >> assay.toml
"$bin/assay" log init > log.txt
sed -n '/^\[log\]/,$p' log.txt | tee -a policy.toml
"$bin/assay" witness run --config witness/assay.toml --listen 127.0.0.1:0 --log "$(sed -n 's/^verifier key: //p' log.txt)" > witness.txt 2> witness.log &
witness_pid=$!
wait_for witness.txt "$witness_pid" "^serving http:" || { cat witness.log >&2; exit 1; }
sed "s,http://127.0.0.1:0,$(sed -n 's/^serving \(http:[^ ]*\).*/\1/p' witness.txt)," assay.toml > witnessed.toml
mv witnessed.toml assay.toml

step "a ledger of 10,000 customers"
"$bin/assay" ledger synth --customers 10000 --assets 3 --held 2 --seed 1 --out ledger/customers.csv
"$bin/assay" ledger check
"$bin/assay" doctor

step "the run: snapshot, reserves, tree; then it waits for the wallets' signatures"
if "$bin/assay" run --at "$("$bin/devchain" instant --dir chains)"; then
  echo "demo: the run should have waited for signatures" >&2
  exit 1
fi

step "the wallets' owners sign their challenges, offline"
"$bin/devchain" sign --dir chains --challenges run/control/challenges --out signed
cp run/control/challenges/*.txt signed/
"$bin/assay" control import signed

# waits_for_approvals: the run ends as one that waits; any other end is a fault.
waits_for_approvals() {
  if "$bin/assay" run > waiting.txt 2>&1; then
    echo "demo: the run should have waited for approvals" >&2
    exit 1
  fi
  grep 'waiting for approvals' waiting.txt || { cat waiting.txt >&2; exit 1; }
}

step "the run goes on to the draft and waits for approvals; the chains are no longer needed"
waits_for_approvals
kill "$chain_pid"
wait "$chain_pid" 2>/dev/null || true
chain_pid=

step "Alice reads the draft and approves it; the run waits for one more; Bob approves it too"
approved_by() {
  mkdir "$1"
  (cd "$1" && "$bin/assay" approve ../run/draft.json --key "file:../$1.age" --yes > read.txt && tail -1 read.txt)
  "$bin/assay" approve import "$1"/approval-*.dsse.json
}
approved_by alice
waits_for_approvals
approved_by bob

step "signature, bundle, report; the statement is entered in the log, the witness cosigns it, and bundle and report show it"
"$bin/assay" run > coverage.txt
cat coverage.txt
"$bin/assay" status
"$bin/assay" log show
kill "$witness_pid"
wait "$witness_pid" 2>/dev/null || true
witness_pid=

step "three customers get their proofs, and one checks that their row is in the tree and, by the published files of its shard, that it is counted"
sed -n '2,400p' ledger/customers.csv | cut -d, -f1 | uniq | head -3 > customers.txt
"$bin/assay" prove --customers customers.txt --out proofs
head -1 customers.txt | "$bin/assay" prove --customer - --out proofs/first.json
head -1 customers.txt | "$bin/assay-verify" proof proofs/first.json --policy policy.toml --customer - --shard bundle/liabilities > proof.txt || { cat proof.txt; exit 1; }
sed -n '/^Found/,/^$/p; /^Who checked/,/^$/p; /^What this does not/,/^$/p' proof.txt
tail -1 proof.txt

step "an auditor checks the bundle, and signs what was found beside it"
"$bin/assay-verify" bundle bundle.zip --policy policy.toml --json > verdict.json || { cat verdict.json; exit 1; }
"$bin/assay" countersign bundle.zip --verdict verdict.json --key file:auditor.age --name "Example Accountants" --out finding.dsse.json \
  --scope "The bundle of this instant, and nothing beyond it." --procedure "Ran assay-verify over the whole bundle, with a policy of our own." --finding "Every check passed."
"$bin/assay" attach finding.dsse.json

step "the public site as files, for any web server or none, with the page by which customers check their proofs"
"$bin/assay" site --out site

step "a stranger fetches the bundle over HTTP and checks it, with a policy of their own; the log says that it was not withdrawn since"
"$bin/assay" serve --listen 127.0.0.1:0 > serve.log 2>&1 &
serve_pid=$!
wait_for serve.log "$serve_pid" "^serving http:"
url=$(sed -n 's/^serving \(http:[^ ]*\).*/\1/p' serve.log)
"$bin/devchain" fetch "$url/" fetched.html
"$bin/assay-verify" bundle "$url/bundle.zip" --policy policy.toml --log "$url/log" > verdict.txt || { cat verdict.txt; exit 1; }
cmp -s fetched.html site/index.html || { echo "demo: the served site is not the one that was written" >&2; exit 1; }
kill "$serve_pid"
wait "$serve_pid" 2>/dev/null || true
serve_pid=

# One digit of one balance, everything else as it was.
cp -r bundle tampered
sed 's/"amount":"1/"amount":"2/' bundle/reserves/lines.json > tampered/reserves/lines.json
code=0
"$bin/assay-verify" bundle tampered --policy policy.toml > tampered.txt || code=$?
[ "$code" -eq 1 ] || { cat tampered.txt; echo "demo: the tampered bundle gave exit $code, want 1" >&2; exit 1; }

step "done"
grep '^[A-Z]*: owed' coverage.txt
echo
echo "customer:  $(tail -1 proof.txt)"
echo "counted:   $(sed -n '/^Who checked/{n;s/^  - //p;}' proof.txt)"
echo "verified:  $(tail -1 verdict.txt)"
echo "tampered:  $(tail -1 tampered.txt) (exit $code)"
echo
echo "site:      $demo/site/index.html"
[ ! -e site/verify.html ] || echo "try it:    “Check your balance” there; give it proofs/first.json and bundle/liabilities/*, and type the first id of customers.txt"
echo "serve it:  (cd $demo && $bin/assay serve)"
