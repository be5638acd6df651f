package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/chains"
)

// TestQRCodes: what is drawn is read again, turned and on a photo too; what does not fit is said with its limit.
func TestQRCodes(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{1, 400, maxQRMiddle, maxQRMiddle + 1, maxQR} {
		text := strings.Repeat("Assay proof of control v1\n", maxQR)[:n]
		raw, err := drawQR(text)
		if err != nil {
			t.Fatal(err)
		}
		save(t, string(raw), dir, "code.png")
		if got, err := readQR(filepath.Join(dir, "code.png")); err != nil || got != text {
			t.Errorf("%d bytes: read %d, %v", n, len(got), err)
		}
	}
	if _, err := drawQR(strings.Repeat("x", maxQR+1)); err == nil || !strings.Contains(err.Error(), "2954 bytes does not fit a QR code, which holds at most 2953") {
		t.Errorf("one byte more: %v", err)
	}
	raw, err := drawQR("0x" + strings.Repeat("5a", 65))
	if err != nil {
		t.Fatal(err)
	}
	code, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	// A quarter turn, on grey paper, in JPEG.
	b := code.Bounds()
	photo := image.NewGray(image.Rect(0, 0, b.Dy()+90, b.Dx()+140))
	for y := range photo.Rect.Dy() {
		for x := range photo.Rect.Dx() {
			photo.SetGray(x, y, color.Gray{Y: 200})
			if at := image.Pt(y-70, x-45); at.In(b) {
				light, _, _, _ := code.At(at.X, b.Dy()-1-at.Y).RGBA()
				photo.SetGray(x, y, color.Gray{Y: 60 + uint8(light>>8)/2})
			}
		}
	}
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, photo, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	save(t, jpg.String(), dir, "photo.jpg")
	if got, err := readQR(filepath.Join(dir, "photo.jpg")); err != nil || got != "0x"+strings.Repeat("5a", 65) {
		t.Errorf("a photo: %q, %v", got, err)
	}
	var blank bytes.Buffer
	if err := png.Encode(&blank, image.NewGray(image.Rect(0, 0, 200, 200))); err != nil {
		t.Fatal(err)
	}
	save(t, blank.String(), dir, "blank.png")
	if got, err := readQR(filepath.Join(dir, "blank.png")); err == nil {
		t.Errorf("a blank image reads as %q", got)
	}
	if _, err := readQR(filepath.Join(dir, "none.png")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestImportQR: the signature comes as a photo.
func TestImportQR(t *testing.T) {
	me := newSigner(t, "me")
	s := pinnedRun(t, chains.Account("eip155:1:"+me.address))
	dir := t.TempDir()
	for name, text := range texts(t, s, handing{out: dir}) {
		raw, err := drawQR(me.sign(t, personal(text)))
		if err != nil {
			t.Fatal(err)
		}
		save(t, string(raw), strings.TrimSuffix(name, ".txt")+".sig.png")
	}
	if signed, missing, err := s.importSignatures(dir); err != nil || signed != 1 || missing != 0 {
		t.Errorf("%d signed, %d missing, %v", signed, missing, err)
	}
}

// TestQRTooManyAccounts: a text that no code holds is refused with the limit.
func TestQRTooManyAccounts(t *testing.T) {
	var accounts []chains.Account
	var list string
	for i := range 20 {
		accounts = append(accounts, chains.Account(fmt.Sprintf("eip155:1:0x%040x", i+1)))
		list += string(accounts[i]) + "\n"
	}
	s := pinnedRun(t, accounts...)
	file := filepath.Join(t.TempDir(), "all")
	save(t, list, file)
	_, _, err := s.challenge(handing{out: t.TempDir(), together: []string{file}, qr: true})
	if err == nil || !strings.Contains(err.Error(), "at most 2953") {
		t.Errorf("got %v", err)
	}
	if all := texts(t, s, handing{together: []string{file}}); len(all) != 1 {
		t.Errorf("without a code: %d texts", len(all))
	}
}
