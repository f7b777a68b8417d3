package source

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// nonBlocking is not needed: named pipes do not lie in folders.
const nonBlocking = 0

// identity identifies a file: by its full path, without case.
type identity struct{ path string }

func identify(path string, _ fs.FileInfo) identity {
	full, err := filepath.Abs(path)
	if err != nil {
		full = path
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		full = real
	}
	return identity{strings.ToLower(full)}
}
