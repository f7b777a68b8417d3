package archive

import (
	"errors"
	"fmt"
	"testing"

	"github.com/andybalholm/brotli"
)

// TestBrotli: a 7z archive that only other programs unpack is not called
// damaged.
func TestBrotli(t *testing.T) {
	_, err := brotli.NewReader(nil).Read(nil)
	if err = sevenZipError(fmt.Errorf("sevenzip: %w", err)); !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}
