package scan_test

import (
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is what a package is for, and which packages of this module it may
// import for that.
type room struct {
	why string
	may []string
}

// allowed are the packages of this module that each package may import, and why
// not more: what reads bytes has no rules, what has rules reads no bytes, and
// reports open no files (docs/ARCHITECTURE.md).
var allowed = map[string]room{
	"internal/cputime":               {"a clock for tests", []string{}},
	"internal/mutate":                {"changes code as text", []string{}},
	"internal/nearest":               {"words alone", []string{}},
	"internal/outdir":                {"names and files of a folder, whatever is in them", []string{}},
	"internal/plural":                {"words alone", []string{}},
	"internal/release":               {"runs the go command, and knows no code", []string{}},
	"internal/utf8text":              {"encodings alone", []string{}},
	"internal/wire":                  {"structures as bytes, whatever they are of", []string{}},
	"internal/work":                  {"runs what it is given", []string{}},
	"rules":                          {"what is asked of has fields and values: it is no event and no process here", []string{"internal/wire", "internal/work", "rules/internal/text"}},
	"rules/internal/text":            {"a text fits or not, whatever rule asks", []string{}},
	"rules/builtin":                  {"Sigma and its attributes, no process", []string{"internal/wire", "internal/work", "rules"}},
	"scan/event":                     {"the words that all share", []string{}},
	"scan/evtx":                      {"bytes to events: no trees, no rules", []string{"internal/wire", "scan/event"}},
	"scan/source":                    {"finds and opens files: what is in a log is read elsewhere", []string{"internal/plural", "internal/work", "scan/event", "scan/partial", "scan/source/archive", "scan/source/image", "scan/source/ntfs", "scan/source/pieces", "scan/source/shadow"}},
	"scan/source/archive":            {"members of archives, whatever holds them", []string{"internal/plural", "scan/source/pieces"}},
	"scan/source/extract":            {"writes what source opens", []string{"internal/outdir", "scan/source"}},
	"scan/source/image":              {"bytes of disks, whatever is on them", []string{"scan/source/inflate"}},
	"scan/source/image/imagetest":    {"writes disk images for tests, and checks nothing", []string{}},
	"scan/source/inflate":            {"a stream of bits", []string{}},
	"scan/source/ntfs":               {"files of a volume, wherever it lies", []string{"scan/event"}},
	"scan/source/ntfs/ntfstest":      {"writes volumes for tests, and checks nothing", []string{}},
	"scan/source/pieces":             {"files that follow each other, whatever they hold", []string{}},
	"scan/source/shadow":             {"a volume as it was, and its times", []string{"scan/event"}},
	"scan/powershell":                {"a command line alone", []string{}},
	"scan/proctree":                  {"events to processes: no bytes of logs, no rules", []string{"internal/wire", "internal/work", "scan/event"}},
	"scan/export":                    {"text to events: no EVTX", []string{"internal/utf8text", "scan/event"}},
	"scan/finding":                   {"what was found, as data: it reads nothing and judges nothing", []string{"rules", "rules/builtin", "scan/crosscheck", "scan/event", "scan/powershell", "scan/proctree", "scan/source", "scan/story", "scan/weblog"}},
	"scan/integrity":                 {"log integrity: no rules, no options of a scan", []string{"internal/plural", "internal/wire", "scan/event", "scan/evtx", "scan/export", "scan/finding", "scan/proctree", "scan/source"}},
	"scan/rights":                    {"as whom processes run: no rules, no levels", []string{"scan/event", "scan/finding", "scan/proctree"}},
	"scan/story":                     {"ties events to sessions: reads no files", []string{"rules", "scan/event", "scan/powershell", "scan/proctree"}},
	"scan/weblog":                    {"lines to requests: no hosts, no processes", []string{"internal/utf8text", "scan/event"}},
	"scan/eventrule":                 {"rules about events: which, by what they say; processes and servers are asked of others", []string{"rules", "rules/builtin", "scan/event", "scan/finding", "scan/proctree", "scan/story"}},
	"scan/webrequest":                {"whose requests they are: it reads web logs, and tells no servers and no sessions", []string{"internal/plural", "internal/work", "scan/event", "scan/evtx", "scan/finding", "scan/proctree", "scan/source", "scan/story", "scan/weblog"}},
	"scan/filehash":                  {"hashes of bytes, whatever they are", []string{"scan/source"}},
	"scan/binxml":                    {"a record as a tree, to write it again", []string{"scan/event"}},
	"scan/exhibit":                   {"cuts out records: it is told which", []string{"internal/outdir", "internal/work", "scan/binxml", "scan/event", "scan/evtx", "scan/finding", "scan/source"}},
	"scan/crosscheck":                {"a second opinion: it shares no decoding with evtx", []string{"internal/work", "scan/event", "scan/evtx"}},
	"scan/partial":                   {"a frame of sections, whatever they hold", []string{}},
	"scan":                           {"joins them; no terminal, no format", []string{"internal/nearest", "internal/plural", "internal/wire", "internal/work", "rules", "rules/builtin", "scan/crosscheck", "scan/event", "scan/eventrule", "scan/evtx", "scan/export", "scan/filehash", "scan/finding", "scan/integrity", "scan/partial", "scan/powershell", "scan/proctree", "scan/rights", "scan/source", "scan/story", "scan/weblog", "scan/webrequest"}},
	"report/text":                    {"text for people: no findings", []string{"internal/plural", "rules", "scan/event"}},
	"report/draw":                    {"draws what it is given", []string{"internal/plural", "report/phrase", "report/text", "rules", "scan", "scan/event", "scan/finding", "scan/proctree"}},
	"report/reporttest":              {"results for tests", []string{"rules", "scan", "scan/crosscheck", "scan/event", "scan/evtx", "scan/finding", "scan/integrity", "scan/proctree", "scan/story", "scan/weblog"}},
	"report/phrase":                  {"words that formats share: no format", []string{"internal/plural", "report/text", "rules", "scan", "scan/crosscheck", "scan/event", "scan/evtx", "scan/finding", "scan/proctree", "scan/story"}},
	"report/html":                    {"one format: no other", []string{"internal/plural", "report/phrase", "report/text", "rules", "scan", "scan/crosscheck", "scan/event", "scan/evtx", "scan/finding", "scan/integrity", "scan/proctree"}},
	"report":                         {"a result to a writer: no files, no rules of its own", []string{"internal/nearest", "internal/plural", "report/draw", "report/html", "report/phrase", "report/text", "rules", "scan", "scan/crosscheck", "scan/event", "scan/evtx", "scan/finding", "scan/integrity", "scan/powershell", "scan/proctree", "scan/story", "scan/weblog"}},
	"cmd/webshellscan":               {"flags, files, exit status", []string{"internal/nearest", "internal/work", "report", "report/draw", "report/html", "report/text", "rules", "scan", "scan/event", "scan/exhibit", "scan/finding", "scan/integrity", "scan/proctree", "scan/source", "scan/source/extract", "scan/webrequest"}},
	"internal/evtxtest":              {"writes logs and checks nothing: it must not share the reader's mistakes", []string{}},
	"internal/evtxtest/faults":       {"damage to logs: not by the reader's eyes", []string{"internal/evtxtest"}},
	"internal/evtxtest/faults/peers": {"compares readers, ours too", []string{"scan/event", "scan/evtx", "internal/evtxtest/faults"}},
	"internal/evtxtest/fleet":        {"a model of hosts: not by the reader's eyes", []string{"internal/evtxtest"}},
	"internal/evtxtest/evtxgen":      {"writes logs of any size", []string{"internal/evtxtest", "internal/evtxtest/fleet"}},
	"integrations/jobs":              {"runs the program as schedulers do", []string{}},
}

// outside are the only packages that may import a library.
var outside = map[string][]string{
	"go.yaml.in/yaml/v4":              {"rules"},
	"github.com/spf13/cobra":          {"cmd/webshellscan"},
	"github.com/spf13/pflag":          {"cmd/webshellscan"},
	"github.com/klauspost/compress":   {"scan/partial", "scan/source/archive", "scan/source/image"},
	"github.com/ulikunitz/xz":         {"scan/source/archive"},
	"github.com/bodgit/sevenzip":      {"scan/source/archive"},
	"golang.org/x/term":               {"cmd/webshellscan"},
	"github.com/mattn/go-runewidth":   {"report/text"},
	"github.com/0xrawsec/golang-evtx": {"scan/crosscheck", "internal/evtxtest/faults/peers"},
}

// TestImports: imports run one way only.
func TestImports(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "webshellscan/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], "webshellscan/")
		of, known := allowed[name]
		if !known {
			t.Errorf("package %s: say in this test what it may import", name)
			continue
		}
		seen++
		for _, imported := range words[1:] {
			if own, ok := strings.CutPrefix(imported, "webshellscan/"); ok && !slices.Contains(of.may, own) {
				t.Errorf("%s imports %s, but it is this: %s", name, own, of.why)
			}
			for library, by := range outside {
				if strings.HasPrefix(imported, library) && !slices.Contains(by, name) {
					t.Errorf("%s imports %s: only %v may", name, imported, by)
				}
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("%d packages of %d found", seen, len(allowed))
	}
}

// TestImportOrder: the standard library comes first, then libraries, then the
// packages of this module, with an empty line between them and nowhere else.
func TestImportOrder(t *testing.T) {
	fset := token.NewFileSet()
	for _, path := range files(t) {
		if !strings.HasSuffix(path, ".go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join("..", path), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		var group, line int
		for i, spec := range file.Imports {
			at := fset.Position(spec.Pos())
			of := importGroup(t, spec.Path.Value)
			if i > 0 && (of < group || (of > group) != (at.Line > line+1)) {
				t.Errorf("%s: %s stands in another group", at, spec.Path.Value)
			}
			group, line = of, at.Line
		}
	}
}

// importGroup returns the place of an import among the three groups.
func importGroup(t *testing.T, quoted string) int {
	t.Helper()
	path, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(path, "/")
	switch {
	case first == "webshellscan":
		return 2
	case strings.Contains(first, "."):
		return 1
	}
	return 0
}

// TestNoNetwork: nothing that speaks HTTP or TLS is linked into the program. It
// opens no connection, and without them it is smaller by an eighth
// (internal/lean).
func TestNoNetwork(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "webshellscan/cmd/webshellscan").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, name := range strings.Fields(string(out)) {
		if name == "net/http" || name == "crypto/tls" {
			t.Errorf("%s is linked", name)
		}
	}
}
