package rules_test

import (
	"fmt"

	"webshellscan/rules"
)

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
	event := set.NewMapSubject(map[string]string{
		"AncestorImage": `C:\nginx\nginx.exe`,
		"Image":         `C:\Windows\System32\CMD.EXE`,
		"CommandLine":   "cmd /c whoami",
	})
	for _, i := range set.NewMatcher().Match(nil, event) {
		fmt.Println(set.Rules()[i].Title, "-", set.Rules()[i].Level)
		fmt.Println(set.Simplified(i))
	}
	// Output:
	// Shell Below nginx - high
	// AncestorImage|endswith: '\nginx.exe' and Image|endswith: '\cmd.exe', '\powershell.exe' and not CommandLine|contains: 'backup'
}
