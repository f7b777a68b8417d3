// Command peers reads the logs of the fault matrix with webshellscan's reader
// and with other ones, each in a process of its own, and writes a table of how
// many records each got right:
//
//	go run ./internal/evtxtest/faults/peers [-python PYTHON] > table.md
//
// It needs evtxexport (Debian: libevtx-utils) and a Python with python-evtx
// (PyPI: python-evtx); a column of a reader that is missing holds "-". A record
// counts if it came out with its EventRecordID and, a process creation, with
// its command line, once however often it came. Marks behind the number: P the
// reader died, T it was stopped after 20 seconds.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	golangevtx "github.com/0xrawsec/golang-evtx/evtx"

	"webshellscan/internal/evtxtest/faults"
)

// limit is how long a reader may take for one log.
const limit = 20 * time.Second

// pythonScript prints all records that python-evtx can read.
const pythonScript = `
import sys, Evtx.Evtx
with Evtx.Evtx.Evtx(sys.argv[1]) as log:
    for record in log.records():
        try:
            print(record.xml(), flush=True)
        except Exception:
            pass
`

func main() {
	python := flag.String("python", "python3", "a Python with python-evtx")
	self := flag.String("golang-evtx", "", "print the events of a `file` with golang-evtx")
	ours := flag.String("webshellscan", "", "print the events of a `file` with webshellscan's reader")
	recover := flag.Bool("recover", false, "with -webshellscan: stale records too")
	flag.Parse()
	var err error
	switch {
	case *self != "":
		err = readGolang(*self)
	case *ours != "":
		err = readOurs(*ours, *recover)
	default:
		err = table(*python)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// readGolang prints events as JSON, one a line.
func readGolang(path string) error {
	file, err := golangevtx.OpenDirty(path)
	if err != nil {
		return err
	}
	for ev := range file.FastEvents() {
		if ev != nil {
			fmt.Println(string(golangevtx.ToJSON(ev)))
		}
	}
	return nil
}

// table writes the matrix.
func table(python string) error {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	me, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Println("| id | fault | records that can be read | webshellscan | golang-evtx | libevtx | python-evtx |")
	fmt.Println("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
	for _, row := range faults.Rows() {
		log := row.Log()
		path := filepath.Join(dir, row.ID+".evtx")
		if err := os.WriteFile(path, log.Data, 0o600); err != nil {
			return err
		}
		ours := []string{me, "-webshellscan", path}
		if log.Recover {
			ours = append(ours, "-recover")
		}
		cells := []string{row.ID, row.Name, fmt.Sprint(len(log.IDs))}
		for _, command := range [][]string{
			ours, {me, "-golang-evtx", path}, {"evtxexport", "-f", "xml", path}, {python, "-c", pythonScript, path},
		} {
			cells = append(cells, count(log, command))
		}
		fmt.Println("| " + strings.Join(cells, " | ") + " |")
	}
	return nil
}

var (
	recordStart = regexp.MustCompile(`<Event[ >]|\{"Event":`)
	recordID    = regexp.MustCompile(`<EventRecordID[^>]*>(\d+)|"EventRecordID": ?"?(\d+)`)
)

// count runs a reader on a log and prints what it got.
func count(log *faults.Log, command []string) string {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "-"
	}
	wanted := make(map[string]bool)
	for _, id := range log.IDs {
		wanted[fmt.Sprint(id)] = true
	}
	text := out.Bytes()
	starts := recordStart.FindAllIndex(text, -1)
	right := make(map[string]bool)
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		record := string(text[at[0]:end])
		found := recordID.FindStringSubmatch(record)
		if found == nil {
			continue
		}
		id := found[1] + found[2]
		if wanted[id] && faults.Complete(log, id, record) {
			right[id] = true
		}
	}
	mark := ""
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		mark = " T"
	case exited && (exit.ExitCode() < 0 || exit.ExitCode() == 2 && command[1] == "-golang-evtx"):
		mark = " P"
	}
	return fmt.Sprint(len(right)) + mark
}
