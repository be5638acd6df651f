package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/assay-por/assay/web/authn"
)

// Paged are the parameters of a list that is read by pages.
type Paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$" doc:"What next said: those after that page"`
}

// cursorMAC is how many bytes of a cursor show that this server made it.
const cursorMAC = 16

// next is the cursor of what comes after an item of a list: a name of this server's alone, for that list as whoever asks sees it.
func (a *api) next(who *authn.Principal, list, item string) string {
	return base64.RawURLEncoding.EncodeToString(append(a.cursorMAC(who, list, item), item...))
}

// after is the item that a cursor names; empty for none.
func (a *api) after(who *authn.Principal, list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil && len(raw) > cursorMAC {
		if item := string(raw[cursorMAC:]); hmac.Equal(raw[:cursorMAC], a.cursorMAC(who, list, item)) {
			return item, nil
		}
	}
	return "", refused(http.StatusUnprocessableEntity, "", "cursor: it is none that this list gave you: begin anew")
}

func (a *api) cursorMAC(who *authn.Principal, list, item string) []byte {
	h := hmac.New(sha256.New, a.secret("cursor"))
	for _, part := range []string{who.Asker(), list, item} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return h.Sum(nil)[:cursorMAC]
}
