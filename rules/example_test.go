package rules_test

import (
	"fmt"

	"webshellscan/rules"
)

// process is the least that can be matched: one value for each field, numbered by its place.
type process struct {
	fields []string          // of the set
	values map[string]string // by field
}

func (p process) Values(dst []rules.ValueID, field int) []rules.ValueID {
	if _, ok := p.values[p.fields[field]]; ok {
		dst = append(dst, rules.Unkept|rules.ValueID(field)) // not interned, so nothing may be kept
	}
	return dst
}

func (p process) Text(id rules.ValueID) string { return p.values[p.fields[id&^rules.Unkept]] }

func Example() {
	list, errs := rules.Parse("shell.yml", []byte(`
title: Shell Below nginx
logsource:
    category: process_creation
    product: windows
detection:
    selection:
        AncestorImage|endswith: '\nginx.exe'
        Image|endswith:
            - '\cmd.exe'
            - '\powershell.exe'
    filter:
        CommandLine|contains: 'backup'
    condition: selection and not filter
level: high
`))
	if len(errs) > 0 {
		fmt.Println(errs)
		return
	}
	set, errs := rules.Compile(list, rules.Options{})
	if len(errs) > 0 {
		fmt.Println(errs)
		return
	}
	matcher := set.NewMatcher()
	p := process{set.Fields(), map[string]string{
		"AncestorImage": `C:\nginx\nginx.exe`,
		"Image":         `C:\Windows\System32\CMD.EXE`,
		"CommandLine":   "cmd /c whoami",
	}}
	for _, i := range matcher.Match(nil, p) {
		fmt.Println(set.Rules()[i].Title, "-", set.Rules()[i].Level)
		fmt.Println(set.Simplified(i))
	}
	// Output:
	// Shell Below nginx - high
	// AncestorImage|endswith: '\nginx.exe' and Image|endswith: '\cmd.exe', '\powershell.exe' and not CommandLine|contains: 'backup'
}
