package rules

import "strings"

// Source is one way in which rules name the events that a Set is matched
// against. Sigma taxonomy appendix, "Log Sources".
type Source struct {
	// LogSource is what a rule's log source must be. Each attribute must be
	// equal, except that a rule may leave out the product.
	LogSource LogSource

	// Known are the values that fields have in every event of this source,
	// such as EventID: 1. Items about them are decided when a rule is
	// compiled, whatever the subject has.
	Known map[string][]string

	// Key names a known field that a rule must depend on to be about these
	// events: a rule for `service: security` is about process creation only
	// if it asks for EventID 4688. "" for sources that are about nothing
	// else.
	Key string

	// Aliases maps field names of this source to those of the subject.
	Aliases map[string]string
}

// ProcessCreation returns the sources that mean the creation of a process on
// Windows: the generic category, and the old style that names the log and the
// event's number. Sigma taxonomy appendix, "Process Creation Events".
func ProcessCreation() []Source {
	sysmon := map[string][]string{
		"EventID":       {"1"},
		"Channel":       {"Microsoft-Windows-Sysmon/Operational"},
		"Provider_Name": {"Microsoft-Windows-Sysmon"},
	}
	security := map[string][]string{
		"EventID":       {"4688"},
		"Channel":       {"Security"},
		"Provider_Name": {"Microsoft-Windows-Security-Auditing"},
	}
	// Names of event 4688 for what the taxonomy calls otherwise. Sigma
	// rules specification, "Field Usage".
	names := map[string]string{
		"NewProcessName": "Image", "ParentProcessName": "ParentImage", "NewProcessId": "ProcessId", "ProcessId": "ParentProcessId",
	}
	const category, windows = "process_creation", "windows"
	return []Source{
		{LogSource: LogSource{Category: category, Product: windows}},
		{LogSource: LogSource{Category: category, Product: windows, Service: "sysmon"}, Known: sysmon},
		{LogSource: LogSource{Category: category, Product: windows, Service: "security"}, Known: security, Aliases: names},
		{LogSource: LogSource{Product: windows, Service: "sysmon"}, Known: sysmon, Key: "EventID"},
		{LogSource: LogSource{Product: windows, Service: "security"}, Known: security, Key: "EventID", Aliases: names},
	}
}

// covers reports whether a rule's log source addresses this source.
func (s *Source) covers(rule LogSource) bool {
	own := s.LogSource
	return strings.EqualFold(own.Category, rule.Category) && strings.EqualFold(own.Service, rule.Service) &&
		(rule.Product == "" || strings.EqualFold(own.Product, rule.Product))
}

// within reports whether a filter for the log source f is meant for rules of
// the log source r: each attribute that the filter names is the same. Sigma
// filters specification, "Log source".
func (l LogSource) within(f LogSource) bool {
	same := func(filter, rule string) bool { return filter == "" || strings.EqualFold(filter, rule) }
	return same(f.Category, l.Category) && same(f.Product, l.Product) && same(f.Service, l.Service)
}

// String returns the log source as "product: windows, category:
// process_creation".
func (l LogSource) String() string {
	var parts []string
	for _, a := range [...][2]string{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if a[1] != "" {
			parts = append(parts, a[0]+": "+a[1])
		}
	}
	return strings.Join(parts, ", ")
}
