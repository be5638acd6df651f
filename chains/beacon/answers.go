package beacon

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains/egress"
)

// What nodes answer, as the Beacon API has it. Numbers are decimal strings; keys
// that are not named here are passed over.

// number is a u64 in a string.
type number uint64

// UnmarshalJSON takes one spelling only.
func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.Quote(strconv.FormatUint(v, 10)) != string(b) {
		return fmt.Errorf("%q is no number in a string", egress.Quote(string(b)))
	}
	*n = number(v)
	return nil
}

// data is bytes as 0x and hex digits.
type data []byte

// UnmarshalJSON decodes them.
func (d *data) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	digits, ok := strings.CutPrefix(text, "0x")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return fmt.Errorf("%q is not 0x and hex digits", egress.Quote(text))
	}
	*d = raw
	return nil
}

// fixed returns bytes of which there must be so many.
func (d data) fixed(name string, n int) ([]byte, error) {
	if len(d) != n {
		return nil, fmt.Errorf("%s has %d bytes, want %d", name, len(d), n)
	}
	return d, nil
}

// UnmarshalJSON reads 32 bytes.
func (r *root) UnmarshalJSON(b []byte) error {
	var d data
	if err := d.UnmarshalJSON(b); err != nil {
		return err
	}
	raw, err := d.fixed("a root", 32)
	if err == nil {
		*r = root(raw)
	}
	return err
}

type headerJSON struct {
	Slot     *number `json:"slot"`
	Proposer *number `json:"proposer_index"`
	Parent   *root   `json:"parent_root"`
	State    *root   `json:"state_root"`
	Body     *root   `json:"body_root"`
}

// maxExact is the largest integer of canonical JSON (SPEC part 2).
const maxExact = 1<<53 - 1

func (j headerJSON) header() (header, error) {
	if j.Slot == nil || j.Proposer == nil || j.Parent == nil || j.State == nil || j.Body == nil {
		return header{}, errors.New("a header lacks slot, proposer_index, parent_root, state_root or body_root")
	}
	if *j.Slot > maxExact || *j.Proposer > maxExact {
		return header{}, errors.New("a header's slot or proposer_index is 2^53 or more")
	}
	return header{slot: uint64(*j.Slot), proposer: uint64(*j.Proposer), parent: *j.Parent, state: *j.State, body: *j.Body}, nil
}

type lightHeaderJSON struct {
	Beacon          headerJSON   `json:"beacon"`
	Execution       *payloadJSON `json:"execution"`
	ExecutionBranch []root       `json:"execution_branch"`
}

type payloadJSON struct {
	ParentHash       root   `json:"parent_hash"`
	FeeRecipient     data   `json:"fee_recipient"`
	StateRoot        root   `json:"state_root"`
	ReceiptsRoot     root   `json:"receipts_root"`
	LogsBloom        data   `json:"logs_bloom"`
	PrevRandao       root   `json:"prev_randao"`
	BlockNumber      number `json:"block_number"`
	GasLimit         number `json:"gas_limit"`
	GasUsed          number `json:"gas_used"`
	Timestamp        number `json:"timestamp"`
	ExtraData        data   `json:"extra_data"`
	BaseFeePerGas    string `json:"base_fee_per_gas"`
	BlockHash        root   `json:"block_hash"`
	TransactionsRoot root   `json:"transactions_root"`
	WithdrawalsRoot  root   `json:"withdrawals_root"`
	BlobGasUsed      number `json:"blob_gas_used"`
	ExcessBlobGas    number `json:"excess_blob_gas"`
}

// payload makes the roots of the 17 fields.
func (j payloadJSON) payload() (payload, error) {
	recipient, err := j.FeeRecipient.fixed("fee_recipient", 20)
	if err != nil {
		return payload{}, err
	}
	bloom, err := j.LogsBloom.fixed("logs_bloom", 256)
	if err != nil {
		return payload{}, err
	}
	if len(j.ExtraData) > 32 {
		return payload{}, fmt.Errorf("extra_data has %d bytes, want at most 32", len(j.ExtraData))
	}
	fee, err := uint256.FromDecimal(j.BaseFeePerGas)
	if err != nil || fee.Dec() != j.BaseFeePerGas {
		return payload{}, fmt.Errorf("base_fee_per_gas %q is no number in a string", egress.Quote(j.BaseFeePerGas))
	}
	var feeChunk root
	for i, b := range fee.Bytes32() {
		feeChunk[31-i] = b
	}
	extra := pair(chunkOf(j.ExtraData), chunkOfNumber(uint64(len(j.ExtraData))))
	return payload{
		fields: []root{
			j.ParentHash, chunkOf(recipient), j.StateRoot, j.ReceiptsRoot, merkleize(chunksOf(bloom), 3), j.PrevRandao,
			chunkOfNumber(uint64(j.BlockNumber)), chunkOfNumber(uint64(j.GasLimit)), chunkOfNumber(uint64(j.GasUsed)), chunkOfNumber(uint64(j.Timestamp)),
			extra, feeChunk, j.BlockHash, j.TransactionsRoot, j.WithdrawalsRoot,
			chunkOfNumber(uint64(j.BlobGasUsed)), chunkOfNumber(uint64(j.ExcessBlobGas)),
		},
		hash: j.BlockHash, number: uint64(j.BlockNumber),
	}, nil
}

type committeeJSON struct {
	Keys      []data `json:"pubkeys"`
	Aggregate data   `json:"aggregate_pubkey"`
}

func (j *committeeJSON) committee() (*committee, error) {
	if j == nil {
		return nil, errors.New("it has no sync committee")
	}
	if len(j.Keys) != committeeSize {
		return nil, fmt.Errorf("its sync committee has %d keys, want %d", len(j.Keys), committeeSize)
	}
	c := new(committee)
	for i, k := range append(j.Keys[:committeeSize:committeeSize], j.Aggregate) {
		raw, err := k.fixed("a key of the sync committee", 48)
		if err != nil {
			return nil, err
		}
		if i == committeeSize {
			c.aggregate = [48]byte(raw)
		} else {
			c.keys[i] = [48]byte(raw)
		}
	}
	return c, nil
}

// versioned is the wrapping of every light client answer.
type versioned[T any] struct {
	Data *T `json:"data"`
}

type bootstrapJSON struct {
	Header    lightHeaderJSON `json:"header"`
	Committee *committeeJSON  `json:"current_sync_committee"`
	Branch    []root          `json:"current_sync_committee_branch"`
}

// bootstrap is the checkpoint's header and the committee that its state names.
type bootstrap struct {
	header    header
	committee *committee
	branch    []root
}

func parseBootstrap(b []byte) (bootstrap, error) {
	j, err := decode[versioned[bootstrapJSON]](b)
	if err != nil {
		return bootstrap{}, err
	}
	if j.Data == nil {
		return bootstrap{}, errors.New("it has no data")
	}
	out := bootstrap{branch: j.Data.Branch}
	if out.header, err = j.Data.Header.Beacon.header(); err != nil {
		return bootstrap{}, err
	}
	out.committee, err = j.Data.Committee.committee()
	return out, err
}

type updateJSON struct {
	Attested      lightHeaderJSON `json:"attested_header"`
	Committee     *committeeJSON  `json:"next_sync_committee"`
	Branch        []root          `json:"next_sync_committee_branch"`
	Finalized     lightHeaderJSON `json:"finalized_header"`
	Finality      []root          `json:"finality_branch"`
	SyncAggregate struct {
		Bits      data `json:"sync_committee_bits"`
		Signature data `json:"sync_committee_signature"`
	} `json:"sync_aggregate"`
	SignatureSlot *number `json:"signature_slot"`
}

// An update is a header that a committee signed, what it finalised, and in all
// but the last step the next committee.
type update struct {
	attested, finalized header
	finality            []root
	bits                [64]byte
	signature           [96]byte
	slot                uint64

	committee *committee // nil in the last step
	branch    []root

	execution payload // of finalized
	above     []root  // the payload's branch under finalized's body
}

func (j *updateJSON) update(hands bool) (u update, err error) {
	if j == nil || j.SignatureSlot == nil || *j.SignatureSlot > maxExact {
		return update{}, errors.New("it has no signature_slot below 2^53")
	}
	u = update{slot: uint64(*j.SignatureSlot), finality: j.Finality}
	if u.attested, err = j.Attested.Beacon.header(); err != nil {
		return update{}, fmt.Errorf("attested_header: %w", err)
	}
	if u.finalized, err = j.Finalized.Beacon.header(); err != nil {
		return update{}, fmt.Errorf("finalized_header: %w", err)
	}
	set, err := j.SyncAggregate.Bits.fixed("sync_committee_bits", len(u.bits))
	if err != nil {
		return update{}, err
	}
	signature, err := j.SyncAggregate.Signature.fixed("sync_committee_signature", len(u.signature))
	if err != nil {
		return update{}, err
	}
	u.bits, u.signature = [64]byte(set), [96]byte(signature)
	if j.Finalized.Execution == nil {
		return update{}, errors.New("finalized_header has no execution")
	}
	if u.execution, err = j.Finalized.Execution.payload(); err != nil {
		return update{}, fmt.Errorf("finalized_header: %w", err)
	}
	u.above = j.Finalized.ExecutionBranch
	if hands {
		u.branch = j.Branch
		u.committee, err = j.Committee.committee()
	}
	return u, err
}

func parseFinality(b []byte) (update, error) {
	j, err := decode[versioned[updateJSON]](b)
	if err != nil {
		return update{}, err
	}
	return j.Data.update(false)
}

func parseUpdates(b []byte) ([]update, error) {
	list, err := decode[[]versioned[updateJSON]](b)
	if err != nil {
		return nil, err
	}
	out := make([]update, len(list))
	for i, j := range list {
		if out[i], err = j.Data.update(true); err != nil {
			return nil, fmt.Errorf("update #%d: %w", i+1, err)
		}
	}
	return out, nil
}

func parseGenesis(b []byte) (root, error) {
	j, err := decode[versioned[struct {
		Root *root `json:"genesis_validators_root"`
	}]](b)
	if err != nil {
		return root{}, err
	}
	if j.Data == nil || j.Data.Root == nil {
		return root{}, errors.New("it has no genesis_validators_root")
	}
	return *j.Data.Root, nil
}

// constants is what is read of a node's configuration.
type constants struct {
	chainID string // of the execution chain, empty if it does not say
	other   string // a constant that differs from the mainnet preset, empty if none does
	forks   []fork
}

func parseSpec(b []byte) (constants, error) {
	j, err := decode[versioned[map[string]json.RawMessage]](b)
	if err != nil {
		return constants{}, err
	}
	if j.Data == nil {
		return constants{}, errors.New("it has no data")
	}
	var c constants
	text := func(key string) string {
		var s string
		_ = json.Unmarshal((*j.Data)[key], &s) // lists and absent keys are no text
		return s
	}
	c.chainID = text("DEPOSIT_CHAIN_ID")
	for key, want := range map[string]int{"SLOTS_PER_EPOCH": slotsPerEpoch, "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": slotsPerPeriod / slotsPerEpoch, "SYNC_COMMITTEE_SIZE": committeeSize} {
		if got := text(key); got != "" && got != strconv.Itoa(want) {
			c.other = fmt.Sprintf("%s is %s, want %d", key, egress.Quote(got), want)
		}
	}
	for key := range *j.Data {
		name, ok := strings.CutSuffix(key, "_FORK_EPOCH")
		if !ok {
			continue
		}
		epoch, err := strconv.ParseUint(text(key), 10, 64)
		if err != nil {
			return constants{}, fmt.Errorf("%s is no number", egress.Quote(key))
		}
		f := fork{epoch: epoch, name: strings.ToLower(egress.Quote(name))}
		if version, err := hex.DecodeString(strings.TrimPrefix(text(name+"_FORK_VERSION"), "0x")); err == nil && len(version) == 4 {
			f.version = [4]byte(version)
		}
		c.forks = append(c.forks, f)
	}
	return c, nil
}

// decode reads one JSON value and nothing after it.
func decode[T any](b []byte) (T, error) {
	var v T
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&v); err != nil {
		return v, fmt.Errorf("it is malformed: %s", egress.Quote(err.Error()))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return v, errors.New("something follows its JSON")
	}
	return v, nil
}
