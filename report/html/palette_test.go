package html

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// sight turns linear RGB into what eyes of a kind make of it (Machado, Oliveira
// and Fernandes 2009, severity 1).
var sight = map[string][3][3]float64{
	"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// xyz turns linear sRGB into CIE XYZ, relative to its white D65.
var xyz = [3][3]float64{{0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505}, {0.2126, 0.7152, 0.0722}, {0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089}}

func times(m [3][3]float64, v [3]float64) (r [3]float64) {
	for i, row := range m {
		for j, factor := range row {
			r[i] += factor * v[j]
		}
		r[i] = min(max(r[i], 0), 1)
	}
	return r
}

// seen returns a colour of six hexadecimal digits in CIE L*a*b*, as eyes of a
// kind see it.
func seen(t *testing.T, digits, kind string) (lab [3]float64) {
	t.Helper()
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	var linear [3]float64
	for i := range linear {
		c := float64(n>>(16-8*i)&255) / 255
		if linear[i] = c / 12.92; c > 0.04045 {
			linear[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	f := times(xyz, times(sight[kind], linear))
	for i, c := range f {
		if f[i] = 7.787*c + 16.0/116; c > 0.008856 {
			f[i] = math.Cbrt(c)
		}
	}
	return [3]float64{116*f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])}
}

// TestPalette: the colour-blind tell the colours of levels apart, in the time
// line and the drawings too, where nothing else tells them.
func TestPalette(t *testing.T) {
	css, err := os.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	palettes := regexp.MustCompile(`--critical: #(\w{6}); --high: #(\w{6}); --medium: #(\w{6}); --low: #(\w{6}); --informational: #(\w{6});`).FindAllStringSubmatch(string(css), -1)
	if len(palettes) != 3 { // light, dark, in print
		t.Fatalf("%d palettes", len(palettes))
	}
	const least = 15 // CIE76; 2.3 is just noticeable
	for kind := range sight {
		for _, palette := range palettes {
			for i, one := range palette[1:] {
				for _, other := range palette[i+2:] {
					a, b := seen(t, one, kind), seen(t, other, kind)
					if d := math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2]); d < least {
						t.Errorf("%s: #%s and #%s are %.1f apart", kind, one, other, d)
					}
				}
			}
		}
	}
}
