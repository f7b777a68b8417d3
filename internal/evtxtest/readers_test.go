package evtxtest_test

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/0xrawsec/golang-evtx/evtx"
)

// readRecord is what a reader makes of a record: the text of each System
// element and attribute by its name, and of each field of the payload by its
// own.
type readEvent struct {
	system map[string]string
	fields map[string]string
}

// golangEVTX reads a file with github.com/0xrawsec/golang-evtx, chunk by chunk
// and record by record. The package panics on what it does not expect, which
// comes back as an error.
func golangEVTX(file []byte) (events []readEvent, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("record %d: panic: %v", len(events), r)
		}
	}()
	for at := 4096; at+65536 <= len(file); at += 65536 {
		if binary.LittleEndian.Uint64(file[at:]) == 0 {
			continue
		}
		c := evtx.NewChunk()
		c.Offset, c.Data = int64(at), file[at:at+65536]
		r := bytes.NewReader(c.Data)
		c.ParseChunkHeader(r)
		evtx.GoToSeeker(r, 128)
		c.ParseStringTable(r)
		if err := c.ParseTemplateTable(r); err != nil {
			return events, err
		}
		evtx.GoToSeeker(r, 512)
		if err := c.ParseEventOffsets(r); err != nil && len(c.EventOffsets) == 0 {
			return events, err
		}
		for _, offset := range c.EventOffsets {
			if offset > c.Header.OffsetLastRec {
				break
			}
			e := c.ParseEvent(int64(offset))
			m, err := e.GoEvtxMap(&c)
			if err != nil {
				return events, fmt.Errorf("record %d: %w", len(events), err)
			}
			events = append(events, flattenMap(*m))
		}
	}
	return events, nil
}

// flattenMap turns the nested maps of golang-evtx into a readEvent.
func flattenMap(m evtx.GoEvtxMap) readEvent {
	e := readEvent{map[string]string{}, map[string]string{}}
	event := m["Event"].(evtx.GoEvtxMap)
	for name, value := range event {
		switch name {
		case "System":
			flatten(e.system, "", value)
		case "xmlns":
		default:
			flatten(e.fields, "", value)
		}
	}
	return e
}

func flatten(out map[string]string, path string, value any) {
	switch v := value.(type) {
	case evtx.GoEvtxMap:
		for name, inner := range v {
			switch {
			case name == "Value":
				flatten(out, path, inner)
			case path == "" || strings.HasPrefix(path, "@"):
				flatten(out, name, inner)
			default:
				flatten(out, path+"/"+name, inner)
			}
		}
	case []string:
		for i, s := range v {
			out[fmt.Sprintf("%s%d", path, i)] = s
		}
	case nil:
		out[path] = ""
	case evtx.UTCTime:
		b, _ := v.MarshalJSON()
		out[path] = strings.Trim(string(b), `"`)
	default:
		out[path] = fmt.Sprint(v)
	}
}

// exported runs a program that prints events as XML.
func exported(t *testing.T, file []byte, name string, args ...string) ([]readEvent, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.evtx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(name, append(args, path)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	events, perr := parseXML(out)
	switch {
	case perr != nil:
		return events, perr
	case err != nil:
		return events, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return events, nil
}

// libevtx reads a file with evtxexport of libevtx.
func libevtx(t *testing.T, file []byte) ([]readEvent, error) {
	if _, err := exec.LookPath("evtxexport"); err != nil {
		t.Skip("evtxexport (Debian: libevtx-utils) is not installed")
	}
	return exported(t, file, "evtxexport", "-f", "xml")
}

const pythonDump = `
import sys
import Evtx.Evtx as evtx
with evtx.Evtx(sys.argv[1]) as log:
    for record in log.records():
        print(record.xml())
`

// pythonEVTX reads a file with python-evtx.
func pythonEVTX(t *testing.T, file []byte) ([]readEvent, error) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import Evtx").Run(); err != nil {
		t.Skip("python-evtx (Debian: python3-evtx) is not installed")
	}
	return exported(t, file, python, "-c", pythonDump)
}

// xmlNode is any element.
type xmlNode struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []xmlNode  `xml:",any"`
}

var eventXML = regexp.MustCompile("(?s)<Event[ >].*?</Event>")

// parseXML finds all Event elements in the output of a program.
func parseXML(out []byte) ([]readEvent, error) {
	var events []readEvent
	for _, text := range eventXML.FindAll(out, -1) {
		var n xmlNode
		if err := xml.Unmarshal(text, &n); err != nil {
			return events, err
		}
		e := readEvent{map[string]string{}, map[string]string{}}
		for _, c := range n.Children {
			switch c.XMLName.Local {
			case "System":
				for _, s := range c.Children {
					addSystem(e.system, s)
				}
			case "UserData":
				for _, element := range c.Children {
					addFields(e.fields, element.Children)
				}
			default:
				addFields(e.fields, c.Children)
			}
		}
		events = append(events, e)
	}
	return events, nil
}

func addSystem(out map[string]string, n xmlNode) {
	if n.Text != "" {
		out[n.XMLName.Local] = n.Text
	}
	for _, a := range n.Attrs {
		out[n.XMLName.Local+"/"+a.Name.Local] = a.Value
	}
}

func addFields(out map[string]string, nodes []xmlNode) {
	unnamed := 0
	for _, n := range nodes {
		name := n.XMLName.Local
		if name == "Data" {
			name = "Data" + strconv.Itoa(unnamed)
			unnamed++
		}
		for _, a := range n.Attrs {
			if a.Name.Local == "Name" {
				name = a.Value
			}
		}
		out[name] = n.Text
	}
}
