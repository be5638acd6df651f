package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // photos
	"image/png"
	"os"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

const (
	maxQR       = 2_953 // bytes in the largest code at the lowest correction
	maxQRMiddle = 2_331 // at the next one
	modulePx    = 6
	quiet       = 4 // modules around the code, as its standard asks
	maxPhoto    = 32 << 20
	maxPixels   = 64 << 20
)

// drawQR returns a text as a QR code, in PNG.
func drawQR(text string) ([]byte, error) {
	level := decoder.ErrorCorrectionLevel_M
	switch {
	case len(text) > maxQR:
		return nil, fmt.Errorf("a text of %d bytes does not fit a QR code, which holds at most %d", len(text), maxQR)
	case len(text) > maxQRMiddle:
		level = decoder.ErrorCorrectionLevel_L
	}
	hints := map[gozxing.EncodeHintType]any{
		gozxing.EncodeHintType_ERROR_CORRECTION: level, gozxing.EncodeHintType_MARGIN: quiet,
	}
	writer := qrcode.NewQRCodeWriter()
	small, err := writer.Encode(text, gozxing.BarcodeFormat_QR_CODE, 0, 0, hints)
	if err != nil {
		return nil, fmt.Errorf("QR code: %w", err)
	}
	code, err := writer.Encode(text, gozxing.BarcodeFormat_QR_CODE, modulePx*small.GetWidth(), modulePx*small.GetHeight(), hints)
	if err != nil {
		return nil, fmt.Errorf("QR code: %w", err)
	}
	var b bytes.Buffer
	err = png.Encode(&b, code)
	return b.Bytes(), err
}

// readQR returns the text of the QR code on a photo or scan.
func readQR(path string) (string, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxPhoto {
		return "", fmt.Errorf("the image has %d bytes, at most %d", info.Size(), maxPhoto)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	head, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("it is no PNG or JPEG image: %w", err)
	}
	if head.Width*head.Height > maxPixels {
		return "", fmt.Errorf("the image has %d × %d pixels, at most %d in all", head.Width, head.Height, maxPixels)
	}
	picture, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	source := gozxing.NewLuminanceSourceFromImage(picture)
	hints := []map[gozxing.DecodeHintType]any{
		{gozxing.DecodeHintType_TRY_HARDER: true},
		{gozxing.DecodeHintType_PURE_BARCODE: true}, // a drawn image, which is read without looking for corners
	}
	for _, hint := range hints {
		for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
			bitmap, err := gozxing.NewBinaryBitmap(binarizer)
			if err != nil {
				return "", err
			}
			if result, err := qrcode.NewQRCodeReader().Decode(bitmap, hint); err == nil {
				return result.GetText(), nil
			}
		}
	}
	return "", errors.New("no QR code is read from it: photograph it flat, whole and sharp")
}
