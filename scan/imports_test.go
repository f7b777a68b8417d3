package scan_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of this module each package may import, and why
// not more: what knows bytes knows no rules, what knows rules knows no bytes, and
// reports know no files (docs/ARCHITECTURE.md).
var allowed = map[string][]string{
	"internal/cputime":               {},
	"internal/mutate":                {},
	"internal/plural":                {},
	"internal/release":               {},
	"internal/utf8text":              {},
	"internal/wire":                  {},
	"internal/work":                  {},
	"rules":                          {"internal/work", "rules/internal/text"},
	"rules/internal/text":            {},
	"rules/builtin":                  {"rules"},
	"scan/event":                     {},
	"scan/evtx":                      {"internal/wire", "scan/event"},
	"scan/source":                    {"internal/plural", "scan/event", "scan/source/archive", "scan/source/image", "scan/source/ntfs", "scan/source/shadow"},
	"scan/source/archive":            {},
	"scan/source/extract":            {"scan/source"},
	"scan/source/image":              {"scan/source/inflate"},
	"scan/source/inflate":            {},
	"scan/source/ntfs":               {},
	"scan/source/ntfs/ntfstest":      {},
	"scan/source/shadow":             {"scan/event"},
	"scan/powershell":                {},
	"scan/proctree":                  {"internal/wire", "internal/work", "scan/event"},
	"scan/export":                    {"internal/utf8text", "scan/event"},
	"scan/finding":                   {"rules", "rules/builtin", "scan/crosscheck", "scan/event", "scan/powershell", "scan/proctree", "scan/source", "scan/story", "scan/weblog"},
	"scan/integrity":                 {"internal/plural", "internal/wire", "scan/event", "scan/evtx", "scan/export", "scan/finding", "scan/proctree", "scan/source"},
	"scan/story":                     {"rules", "scan/event", "scan/powershell", "scan/proctree"},
	"scan/weblog":                    {"internal/utf8text", "scan/event"},
	"scan/binxml":                    {"scan/event"},
	"scan/exhibit":                   {"scan/binxml", "scan/evtx", "scan/finding", "scan/source"},
	"scan/crosscheck":                {"internal/work", "scan/event", "scan/evtx"},
	"scan/partial":                   {},
	"scan":                           {"internal/plural", "internal/wire", "internal/work", "rules", "rules/builtin", "scan/crosscheck", "scan/event", "scan/evtx", "scan/export", "scan/finding", "scan/integrity", "scan/partial", "scan/powershell", "scan/proctree", "scan/source", "scan/story", "scan/weblog"},
	"report/text":                    {"internal/plural", "rules", "scan/event"},
	"report/draw":                    {"report/phrase", "report/text", "scan", "scan/event", "scan/finding", "scan/proctree"},
	"report/reporttest":              {"rules", "scan", "scan/crosscheck", "scan/event", "scan/evtx", "scan/finding", "scan/integrity", "scan/proctree", "scan/story", "scan/weblog"},
	"report/phrase":                  {"internal/plural", "report/text", "rules", "scan", "scan/event", "scan/evtx", "scan/finding", "scan/proctree", "scan/story"},
	"report/html":                    {"internal/plural", "report/phrase", "report/text", "rules", "scan", "scan/crosscheck", "scan/event", "scan/evtx", "scan/finding", "scan/integrity", "scan/proctree"},
	"report":                         {"internal/plural", "report/draw", "report/html", "report/phrase", "report/text", "rules", "scan", "scan/crosscheck", "scan/event", "scan/evtx", "scan/finding", "scan/integrity", "scan/powershell", "scan/proctree", "scan/story", "scan/weblog"},
	"cmd/webshellscan":               {"internal/work", "report", "report/draw", "report/html", "report/text", "rules", "scan", "scan/event", "scan/exhibit", "scan/finding", "scan/integrity", "scan/proctree", "scan/source", "scan/source/extract"},
	"internal/evtxtest":              {},
	"internal/evtxtest/faults":       {"internal/evtxtest"},
	"internal/evtxtest/faults/peers": {"scan/event", "scan/evtx", "internal/evtxtest/faults"},
	"internal/evtxtest/fleet":        {"internal/evtxtest"},
	"internal/evtxtest/evtxgen":      {"internal/evtxtest", "internal/evtxtest/fleet"},
	"integrations/jobs":              {},
}

// outside says which packages alone may import a library.
var outside = map[string][]string{
	"go.yaml.in/yaml/v3":              {"rules"},
	"github.com/spf13/cobra":          {"cmd/webshellscan"},
	"github.com/spf13/pflag":          {"cmd/webshellscan"},
	"github.com/klauspost/compress":   {"scan/partial", "scan/source/archive", "scan/source/image"},
	"github.com/ulikunitz/xz":         {"scan/source/archive"},
	"github.com/bodgit/sevenzip":      {"scan/source/archive"},
	"golang.org/x/term":               {"cmd/webshellscan"},
	"github.com/olekukonko":           {"report/text"},
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
		may, known := allowed[name]
		if !known {
			t.Errorf("package %s: say in this test what it may import", name)
			continue
		}
		seen++
		for _, imported := range words[1:] {
			if own, ok := strings.CutPrefix(imported, "webshellscan/"); ok && !slices.Contains(may, own) {
				t.Errorf("%s imports %s: imports run one way, event <- evtx, proctree, rules, source <- scan <- report <- cmd", name, own)
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

// TestNoNetwork: nothing that speaks HTTP or TLS is linked into the program. It opens
// no connection, and without them it is smaller by an eighth (internal/lean).
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
