package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// readOurs prints events as JSON, one a line.
func readOurs(path string, recover bool) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file, err := evtx.Search(context.Background(), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	reader := evtx.NewReader(evtx.Select(event.Want{Recovered: recover, Keys: []event.Key{
		{Provider: "Microsoft-Windows-Sysmon", ID: 1},
		{Provider: "Microsoft-Windows-Sysmon", ID: 5},
		{Provider: "Microsoft-Windows-Security-Auditing", ID: 4688},
		{Provider: "Microsoft-Windows-Security-Auditing", ID: 4689},
		{Provider: "Service Control Manager", ID: 7036},
	}}))
	var odd []evtx.Part
	var deferred []evtx.Deferred
	check := func(reading *evtx.Reading) error {
		for ev, err := range reading.Events(context.Background()) {
			if ev != nil {
				err = print(ev)
			}
			if _, isFault := errors.AsType[*evtx.FormatError](err); err != nil && !isFault {
				return err
			}
		}
		odd, deferred = append(odd, reading.Irregular...), append(deferred, reading.Deferred...)
		return nil
	}
	for part := range file.Parts(evtx.DefaultPartSize) {
		err = errors.Join(err, check(reader.Records(file, part)))
	}
	err = errors.Join(err, check(reader.Carve(file, odd)))
	var pool evtx.TemplatePool
	pool.Merge(reader)
	return errors.Join(err, check(reader.Deferred(file, deferred, &pool)))
}

// print prints one event.
func print(ev *event.Event) error {
	data := make(map[string]string)
	for _, f := range ev.Fields() {
		data[f.String()] = ev.Value(f).String()
	}
	b, err := json.Marshal(map[string]any{"EventRecordID": ev.RecordID, "EventData": data})
	if err == nil {
		_, err = fmt.Printf("{\"Event\":%s}\n", b)
	}
	return err
}
