package proctree_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
)

// The processes of a log as trees, with how sure each is of its parent.
func Example() {
	file, err := os.Open("../../testdata/logs/WEB02/Security.evtx")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	log, err := evtx.Open(file, info.Size())
	if err != nil {
		fmt.Println(err)
		return
	}
	texts := proctree.NewTexts()
	collector := proctree.NewCollector(texts)
	reader := evtx.NewReader(evtx.Select(event.Want{Keys: proctree.Keys()}))
	for part := range log.Parts(evtx.DefaultPartSize) {
		for ev, err := range reader.Records(log, part).Events(context.Background()) {
			if err == nil && ev.Key >= 0 {
				collector.Add(ev)
			}
		}
	}
	forest, err := proctree.Build(context.Background(), texts, []*proctree.Collector{collector}, nil, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for host := range forest.Hosts() {
		for p := range forest.Processes(host) {
			if line := texts.Text(p.CommandLine()); strings.HasPrefix(line, "wevtutil") {
				fmt.Println(p.Start(), line)
				for parent, link := p.Parent(); parent.Exists(); parent, link = parent.Parent() {
					fmt.Println("below", proctree.BaseName(texts.Text(parent.Image())), "by", link)
				}
			}
		}
	}
	// Output:
	// 2024-03-11T10:16:41.2610233Z wevtutil  cl Application
	// below cmd.exe by pid+time
	// below tomcat9.exe by pid+time
	// below services.exe by pid+time
	// below wininit.exe by pid+time
	// below smss.exe by pid+time
	// below system by stub
}
