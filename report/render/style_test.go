package render

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// luminance is that of WCAG 2.2, of a colour written #rrggbb.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != 7 {
		t.Fatalf("colour %q: %v", colour, err)
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

// TestContrast: letters stand out from what is behind them as WCAG 2.2 AA asks, in light and in dark.
func TestContrast(t *testing.T) {
	palettes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(style, -1)
	if len(palettes) < 2 {
		t.Fatalf("%d palettes, want light and dark", len(palettes))
	}
	for i, p := range palettes[:2] {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(p[1], -1) {
			colours[m[1]] = m[2]
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "paper", 7}, {"ink", "faint", 7}, {"ink", "accent-soft", 7}, {"ink", "short-soft", 7}, {"soft", "paper", 4.5}, {"soft", "card", 4.5},
			{"accent", "paper", 4.5}, {"accent", "card", 4.5}, {"short", "paper", 4.5}, {"short", "short-soft", 4.5},
			{"accent", "faint", 3}, {"short", "faint", 3}, {"short-line", "paper", 3}, // shapes
		} {
			a, b := luminance(t, colours[pair.front]), luminance(t, colours[pair.back])
			if got := (max(a, b) + 0.05) / (min(a, b) + 0.05); got < pair.least {
				t.Errorf("palette %d: %s on %s has %.2f, want %.1f", i, pair.front, pair.back, got, pair.least)
			}
		}
	}
}
