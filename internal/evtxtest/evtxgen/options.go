package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"webshellscan/internal/evtxtest/fleet"
)

// options is what the flags say.
type options struct {
	stream fleet.StreamOptions
	dir    string
	bytes  int64 // to write in all; 0 means no limit
	events int64 // to write in all; 0 means no limit
	host   int64 // bytes of one host's logs together, after which the next host begins
	// forwarded moves all events of a host to the log of a collector.
	forwarded bool
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var kind, form, size, files string
	f := flag.NewFlagSet("evtxgen", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&kind, "kind", "mixed", "what to write: mixed, process or none")
	f.StringVar(&form, "form", "sysmon", "whose process events: sysmon or security")
	f.StringVar(&size, "size", "", "how much to write, such as 300MiB or 1GiB (default 1GiB unless -events is given)")
	f.Int64Var(&o.events, "events", 0, "how many events to write; 0 means no limit")
	f.StringVar(&files, "files", "256MiB", "size of all logs of one host; then the next host begins")
	f.BoolVar(&o.stream.Distinct, "distinct", false, "make every command line different")
	f.BoolVar(&o.forwarded, "forwarded", false, "write one log ForwardedEvents for each host, as collectors do")
	f.Uint64Var(&o.stream.Seed, "seed", 1, "what everything left to chance depends on")
	f.StringVar(&o.dir, "o", "", "folder to write to (needed)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.dir == "" {
		return o, errors.New("usage: evtxgen [flags] -o DIR; see evtxgen -h")
	}
	kinds := map[string]fleet.StreamKind{"mixed": fleet.StreamMixed, "process": fleet.StreamProcess, "none": fleet.StreamNone}
	var ok bool
	if o.stream.Kind, ok = kinds[kind]; !ok {
		return o, fmt.Errorf("-kind %q is none of mixed, process, none", kind)
	}
	switch form {
	case "sysmon":
	case "security":
		o.stream.Audit = true
	default:
		return o, fmt.Errorf("-form %q is neither sysmon nor security", form)
	}
	if size == "" && o.events == 0 {
		size = "1GiB"
	}
	var err error
	if o.bytes, err = parseSize(size); err != nil {
		return o, fmt.Errorf("-size: %w", err)
	}
	if o.host, err = parseSize(files); err != nil {
		return o, fmt.Errorf("-files: %w", err)
	}
	if o.events < 0 || o.host < 1<<20 {
		return o, errors.New("-events must not be negative, -files not below 1MiB")
	}
	return o, nil
}

// parseSize returns a number of bytes; empty is 0.
func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	for _, u := range [...]struct {
		suffix string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"", 1}} {
		number, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n <= 0 || n > (1<<62)/u.factor {
			break
		}
		return n * u.factor, nil
	}
	return 0, fmt.Errorf("%q is not a size such as 300MiB", s)
}
