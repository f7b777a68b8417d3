package integrity

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"webshellscan/internal/plural"
)

// queueCounter stands before the number of process creations that Sysmon's
// queue dropped, in the description of its event 255.
const queueCounter = "ProcessCreate:"

// maxDropped bounds the number that one event may claim.
const maxDropped = 1 << 30

// droppedCreations returns how many process creations Sysmon's queue dropped,
// by the description of its event 255.
func droppedCreations(description string) int {
	for word := range strings.FieldsFuncSeq(description, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;|", r) }) {
		if number, ok := strings.CutPrefix(word, queueCounter); ok {
			n, err := strconv.ParseUint(number, 10, 31)
			if err == nil {
				return int(min(n, maxDropped))
			}
		}
	}
	return 0
}

// isQueueMessage reports whether a description is about what Sysmon's queue
// dropped: it names kinds of event with a number each.
func isQueueMessage(e *logEvent) bool {
	return strings.EqualFold(e.what, "QUEUE") || strings.Contains(strings.ToLower(e.counterText), "dropped from driver queue")
}

// anyNumber matches a number as messages write them, codes of errors too.
var anyNumber = regexp.MustCompile(`0[xX][0-9a-fA-F]+|[0-9]+`)

// withoutNumbers replaces each number by #, so that texts that differ in
// counters only are equal.
func withoutNumbers(text string) string { return anyNumber.ReplaceAllString(text, "#") }

// describeSysmonError describes what Sysmon's event 255 means for what can be
// seen.
func describeSysmonError(e *logEvent) Finding {
	i := Finding{
		Kind: SysmonFailed, Level: Warning, Text: strings.TrimSpace("Sysmon reported an error: " + e.what + " " + e.counterText),
		Meaning: "Sysmon may have missed events. It happens under load, on faults, and when its driver is interfered with.",
	}
	switch {
	case !isQueueMessage(e):
	case e.dropped > 0:
		i.Meaning = "Process creations are missing from the log: what ran then cannot be seen. It happens under load, and when an " +
			"intruder makes it."
	case strings.Contains(e.counterText, ":"):
		i.Level = Notice
		i.Meaning = "Sysmon dropped events of other kinds under load, and no process creation among them."
	}
	return i
}

// sysmonErrorKey is what errors of Sysmon that are one finding have in common:
// of messages about the queue whether it dropped process creations, of others
// the text but for its numbers.
func sysmonErrorKey(e *logEvent) string {
	if isQueueMessage(e) {
		return fmt.Sprint("queue ", e.dropped > 0)
	}
	return e.what + "\x00" + e.extra
}

// withCounts returns a text with how many others differ from it in numbers
// only, and the sum of what they dropped.
func withCounts(text string, count, dropped int) string {
	if count > 1 {
		text += fmt.Sprintf(" (the first of %d like it)", count)
	}
	if dropped > 0 {
		text += fmt.Sprintf("; %s dropped in all", plural.Count(dropped, "process creation"))
	}
	return text
}
