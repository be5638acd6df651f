package console

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/assay-por/assay/web/api"
)

// byFields are how a client shows that it has a key.
func byFields() []field {
	return []field{
		{Name: "publickey", Label: "Public key that its requests are signed by", Hint: "Such as ed25519:… Left empty: the key has a secret, which is shown once. A key that may change something needs one, or a certificate.", Kind: "text", Most: 72, Auto: "off", Rule: "ed25519: and 64 hexadecimal digits."},
		{Name: "certificate", Label: "Certificate that it shows, in place of that", Hint: "Its SHA-256, in hexadecimal.", Kind: "text", Most: 64, Auto: "off", Rule: "64 hexadecimal digits."},
		{Name: "days", Label: "Days for which it is good", Kind: "number", Value: "90", Most: 3, Rule: "1 to 365."},
	}
}

func (v *visit) days() int {
	n, err := strconv.Atoi(v.value("days"))
	if err != nil {
		return -1
	}
	return n
}

func (v *visit) keyNew() error {
	var c api.Client
	if _, err := v.get("/v1/clients/"+v.part("id"), &c); err != nil {
		return err
	}
	var all api.Roles
	if _, err := v.get("/v1/roles", &all); err != nil {
		return err
	}
	permissions := field{Name: "permissions", Label: "What it may", Hint: "Of what its client may, and you.", Kind: "choice", Required: true, Rule: "Choose one at least."}
	seen := map[string]bool{}
	for _, r := range all.Roles {
		for _, p := range r.Permissions {
			if slices.Contains(c.Roles, r.Role) && v.may(p) && !seen[p] {
				seen[p] = true
				permissions.Options = append(permissions.Options, option{p, p, ""})
			}
		}
	}
	back := Path + "clients/" + v.part("id")
	f := &form{Action: back + "/key", Submit: "Make the key", Fields: append([]field{
		{Name: "name", Label: "What it is for", Kind: "text", Required: true, Most: 64, Auto: "off", Rule: "1 to 64 characters."},
		permissions,
		{Name: "networks", Label: "Networks that it is used from", Hint: "One a line, such as 192.0.2.0/24. Empty: any; a key that may change something names its own.", Kind: "area", Most: 4096, Rule: "Networks such as 192.0.2.0/24, one a line."},
		{Name: "reports", Label: "Only these statements", Hint: "Their digests, one a line; empty: all of its client's.", Kind: "area", Most: 36000, Rule: "Digests of 64 hexadecimal digits, one a line."},
	}, byFields()...)}
	v.forTwo(f)
	title := "A new key of " + c.Name
	if v.r.Method != http.MethodPost {
		return v.shows(title, f)
	}
	wish := api.KeyWish{Client: c.ID, Name: v.value("name"), Permissions: v.form["permissions"], Reports: lines(v.value("reports")), Networks: lines(v.value("networks")), Days: v.days(), PublicKey: v.value("publickey"), Certificate: v.value("certificate")}
	return v.does(deed{kind: "key-create", path: "/v1/keys", change: wish, page: "form", title: title, form: f, done: v.shownOnce(back, "made")})
}

// shownOnce shows what is shown this once, or leads to a page where there is nothing of the kind.
func (v *visit) shownOnce(back, notice string) func([]byte) error {
	return func(raw []byte) error {
		if shown, err := v.once(raw); shown || err != nil {
			return err
		}
		return v.goes(back, notice)(nil)
	}
}

// keyPage is an API key.
type keyPage struct {
	api.Key
	Whose           string
	MayRotate, Good bool
}

func (v *visit) key() error {
	var out keyPage
	if _, err := v.get("/v1/keys/"+v.part("id"), &out.Key); err != nil {
		return err
	}
	out.Whose = v.who(map[string]string{}, out.Client)
	out.MayRotate, out.Good = v.may("key:write"), out.State == "good" || out.State == "unused"
	return v.show("key", page{Title: "Key " + out.Name, Data: out})
}

func (v *visit) keyRotate() error {
	var k api.Key
	if _, err := v.get("/v1/keys/"+v.part("id"), &k); err != nil {
		return err
	}
	back := Path + "keys/" + v.part("id")
	f := &form{Action: back + "/rotate", Submit: "Give it another one", Fields: append(byFields(),
		field{Name: "overlap", Label: "Hours for which the former one is good still", Kind: "number", Value: "24", Most: 3, Rule: "0 to 168."})}
	v.forTwo(f)
	title := "Another secret for " + k.Name
	if v.r.Method != http.MethodPost {
		return v.shows(title, f)
	}
	overlap, err := strconv.Atoi(v.value("overlap"))
	if err != nil {
		overlap = -1
	}
	wish := api.RotateWish{Days: v.days(), Overlap: &overlap, PublicKey: v.value("publickey"), Certificate: v.value("certificate")}
	return v.does(deed{kind: "key-rotate", path: "/v1/keys/" + v.part("id") + ":rotate", object: k.ID, change: wish, page: "form", title: title, form: f, done: v.shownOnce(back, "changed")})
}
