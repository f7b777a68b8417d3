// Package outdir has what all folders have in common that are handed on: names
// without what may harm a file system, files that were not there before, and a
// manifest. It depends on nothing that lies in them.
package outdir

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
)

// ManifestName is the name of the manifest of a folder.
const ManifestName = "manifest.json"

// Create creates a file, to be written and read. It is an error if there is
// something of that name.
func Create(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
}

// WriteManifest writes a manifest to its file, as JSON, and closes it.
func WriteManifest(file *os.File, manifest any) error {
	out := json.NewEncoder(file)
	out.SetIndent("", "  ")
	return errors.Join(out.Encode(manifest), file.Close())
}

// Harmless returns a text with every character as _ that some file system or
// shell takes for more than part of a name. Names that are taken for more as a
// whole stay.
func Harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-%", r):
			return r
		}
		return '_'
	}, text)
}
