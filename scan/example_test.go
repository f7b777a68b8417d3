package scan_test

import (
	"context"
	"fmt"

	"webshellscan/scan"
)

// What ran below the web servers of a host, the gravest session first.
func Example() {
	res, err := scan.Scan(context.Background(), scan.Options{Paths: []string{"../testdata/logs"}, Hosts: []string{"WEB02"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range res.Sessions {
		fmt.Printf("%s: %s on %s, %d findings\n", s.Level, s.Product, s.Host, len(s.Findings))
		first := s.FirstFinding()
		fmt.Println(first.Time, first.CommandLine, "by", first.Rules[0].Name)
	}
	for _, blind := range res.Summary.Blind {
		fmt.Println("could not be seen:", blind.Host, blind.Text)
	}
	// Output:
	// critical: Apache Tomcat on WEB02.harbor.example, 16 findings
	// 2024-03-11T10:12:01.0313261Z cmd.exe /c whoami by car_2021_02_001_webshell_process_tree
}
