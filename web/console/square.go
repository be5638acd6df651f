package console

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// square is a QR code as a page draws it: one path over modules of one unit.
type square struct {
	Size int
	Path string
}

const quiet = 4 // modules around a code, as its standard asks

func squareOf(text string) (*square, error) {
	m, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 0, 0, map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_MARGIN: quiet})
	if err != nil {
		return nil, err
	}
	var path strings.Builder
	for y := range m.GetHeight() {
		for x := range m.GetWidth() {
			if m.Get(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return &square{m.GetWidth(), path.String()}, nil
}

// secondFactor is what an authenticator app is given: to be typed, and to be photographed.
func secondFactor(uri string) (secret string, code *square, err error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", nil, err
	}
	secret = u.Query().Get("secret")
	var parts []string
	for len(secret) > 4 {
		parts, secret = append(parts, secret[:4]), secret[4:]
	}
	code, err = squareOf(uri)
	return strings.Join(append(parts, secret), " "), code, err
}
