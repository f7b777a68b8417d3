package scan

import (
	"context"
	"errors"
	"path/filepath"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/source"
)

// ReadsAs describes what a scan reads a file as, "" if a scan ignores it: its
// format, records of event logs in any form, chunks of them behind whatever the
// file begins with, web server logs and configurations. Text must show by its
// content what it is. Reports of this program are ignored.
func ReadsAs(ctx context.Context, path string) (string, error) {
	kind, known, err := source.KindOfFile(path)
	switch {
	case err != nil:
		return "", err
	case known && kind.Evidence():
		return kind.Name, nil
	}
	file, err := source.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	prefix := make([]byte, min(source.PrefixSize, file.Size()))
	if _, err := file.ReadAt(prefix, 0); err != nil {
		return "", err
	}
	for _, wanted := range append(source.ServerConfigs(), WebLogs()) {
		if wanted.Match(prefix, filepath.ToSlash(path)) {
			return wanted.Kind.Name, nil
		}
	}
	if exported, err := hasRecord(ctx, file); exported || err != nil {
		return "event log records that were exported", err
	}
	_, err = evtx.Search(ctx, file, file.Size())
	switch {
	case err == nil:
		return "an event log with another beginning", nil
	case errors.Is(err, evtx.ErrNotEVTX), errors.Is(err, evtx.ErrEmpty):
		return "", nil
	}
	return "", err
}

// hasRecord reports whether a file holds a record in a form of exports.
func hasRecord(ctx context.Context, file *source.File) (bool, error) {
	form := exportForm(file, file.Size())
	if form == export.None {
		return false, nil
	}
	found := errors.New("a record")
	_, err := export.Read(ctx, file, file.Size(), form, event.Want{}, func(*export.Record) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}
