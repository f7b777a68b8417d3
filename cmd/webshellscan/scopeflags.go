package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webshellscan/scan"
	"webshellscan/scan/event"
)

// scopeFlags are the hosts and times of the logs that are asked for. All verbs
// that show what is in logs have them.
type scopeFlags struct {
	hosts        []string
	since, until string
	stale        bool
}

// addFlags adds the flags. What is shown is what the hosts and times are those
// of.
func (f *scopeFlags) addFlags(cmd *cobra.Command, shown string) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.hosts, "host", nil, "only "+shown+" of this `host` (short or full name, * and ? as wildcards; repeatable)")
	flags.StringVar(&f.since, "since", "", "only "+shown+" from this `time` on (2026-03-01, 2026-03-01 08:30, RFC 3339; UTC)")
	flags.StringVar(&f.until, "until", "", "only "+shown+" before this `time` (a date: up to its end)")
	flags.BoolVar(&f.stale, "recover", false, "also read records that are no longer live, from the unused parts of logs, and mark them")
	completeFromLogs(cmd, "host", hostsOf)
}

// finalize checks the flags and adds them to the options of a scan.
func (f *scopeFlags) finalize(options *scan.Options) (err error) {
	options.Hosts, options.Recover = f.hosts, f.stale
	options.Since, options.Until, err = parseSpan(f.since, f.until)
	return err
}

// parseSpan reads the flags --since and --until.
func parseSpan(since, until string) (from, to event.Time, err error) {
	if from, err = parseBound("--since", since, 0); err != nil {
		return 0, 0, err
	}
	if to, err = parseBound("--until", until, event.Day); err != nil {
		return 0, 0, err
	}
	if to != 0 && to <= from {
		return 0, 0, fmt.Errorf("--until %s is not after --since %s", until, since)
	}
	return from, to, nil
}

// timeLayouts are how a time may be given: all forms in which reports print
// one. Fractions of a second may follow the seconds of each.
var timeLayouts = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"}

// parseBound reads a time flag. dateEnd is added to a bare date.
func parseBound(flag, text string, dateEnd event.Time) (event.Time, error) {
	if text == "" {
		return 0, nil
	}
	plain := strings.TrimSuffix(strings.TrimSpace(text), " UTC")
	if day, err := time.Parse(time.DateOnly, plain); err == nil {
		return event.FromTime(day) + dateEnd, nil
	}
	plain = strings.Replace(strings.ToUpper(plain), " ", "T", 1)
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, plain); err == nil {
			return event.FromTime(at.UTC()), nil
		}
	}
	return 0, fmt.Errorf("%s %q: not a time such as 2026-03-01 08:30:00, 2026-03-01T08:30:00Z or 2026-03-01", flag, text)
}
