package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// asked skips a test that builds releases unless WEBSHELLSCAN_RELEASE is set,
// as `make check-release` does.
func asked(t *testing.T) {
	t.Helper()
	if os.Getenv("WEBSHELLSCAN_RELEASE") == "" {
		t.Skip("WEBSHELLSCAN_RELEASE is not set: make check-release")
	}
}

// copied returns a folder elsewhere with the sources, as an unpacked archive
// has them.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != "../.." && (name[0] == '.' || name == "testdata" && !strings.Contains(path, "internal") || name == "dist" || name == "bench") {
			return fs.SkipDir
		}
		rel, _ := filepath.Rel("../..", path)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dir, rel), 0o777)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), data, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestReproducible: a second build, from other folder and with nothing in Go's
// cache, gives the same bytes.
func TestReproducible(t *testing.T) {
	asked(t)
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var builds [2][]byte
	for i := range builds {
		if i == 1 {
			source = copied(t)
			t.Setenv("GOCACHE", t.TempDir())
		}
		r := &release{description: about, version: "v1.2.3", source: source}
		out := filepath.Join(t.TempDir(), r.Name)
		if err := r.build(target{"linux", "arm64"}, out); err != nil {
			t.Fatal(err)
		}
		if builds[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if len(builds[0]) == 0 || !bytes.Equal(builds[0], builds[1]) {
		t.Errorf("two builds differ: %d and %d bytes", len(builds[0]), len(builds[1]))
	}
	if bytes.Contains(builds[1], []byte(source)) {
		t.Error("the binary names the folder that it was built in")
	}
}

// TestPackageVersion: packages have versions of which their formats think what
// is meant, and no characters that they forbid.
func TestPackageVersion(t *testing.T) {
	scoop := regexp.MustCompile(`^[\w\-.+_]+$`) // of its JSON schema
	for _, tt := range []struct{ version, system, manifest string }{
		{"v1.2.3", "1.2.3", "1.2.3"},
		{"v1.2.3-rc1", "1.2.3~rc1", "1.2.3-rc1"},
		{"v1.2.3-4-gabc1234", "1.2.3+4.gabc1234", "1.2.3+4.gabc1234"},
		{"v1.2.3-dirty", "1.2.3+dirty", "1.2.3+dirty"},
		{"v1.2.3-rc1-4-gabc1234-dirty", "1.2.3~rc1+4.gabc1234.dirty", "1.2.3-rc1+4.gabc1234.dirty"},
		{"devel", "0.0.0~devel", "0.0.0-devel"},
		{"cc0da4e-dirty", "0.0.0~cc0da4e+dirty", "0.0.0-cc0da4e+dirty"},
	} {
		r := &release{version: tt.version}
		if got := r.packageVersion("~"); got != tt.system || strings.Contains(got, "-") {
			t.Errorf("%s: %s, want %s", tt.version, got, tt.system)
		}
		if got := r.packageVersion("-"); got != tt.manifest || !scoop.MatchString(got) {
			t.Errorf("%s: %s, want %s", tt.version, got, tt.manifest)
		}
	}
}

// TestRemark: what is for trying only is told.
func TestRemark(t *testing.T) {
	var b strings.Builder
	r := &release{description: about, url: "file:///dist"}
	r.remark(&b)
	if said := b.String(); !strings.Contains(said, "URL=") || !strings.Contains(said, "MAINTAINER=") {
		t.Errorf("%q", said)
	}
	b.Reset()
	r.url, r.Maintainer = "https://example.org", "A. Packer <packer@example.org>"
	if r.remark(&b); b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
}

// made makes a release, in the module's folder.
func made(t *testing.T) *release {
	t.Helper()
	r := &release{description: about, version: "v1.2.3", dist: t.TempDir(), url: "https://example.org/v1.2.3", homepage: "https://example.org/"}
	r.Maintainer = "A. Packer <packer@example.org>"
	if err := r.run(true); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPackages: a release has what it should, its sums are right, its packages
// are installed into an empty root, work there, and leave nothing when they are
// removed; and a second release is the same.
func TestPackages(t *testing.T) {
	asked(t)
	t.Chdir("../..")
	r := made(t)
	list, err := os.ReadFile(filepath.Join(r.dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"webshellscan-v1.2.3-windows-arm64.exe", "webshellscan-v1.2.3-darwin-arm64.tar.gz", "webshellscan-v1.2.3-windows-amd64.zip", "webshellscan.json",
		"webshellscan.rb", "webshellscan-v1.2.3-windows-amd64.exe.cdx.json", "man1/webshellscan.1", "man1/webshellscan-rules-list.1", "completions/_webshellscan",
		"webshellscan_1.2.3_amd64.deb", "webshellscan-1.2.3-1.x86_64.rpm",
	} {
		if !strings.Contains(string(list), "  "+want+"\n") {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
	for line := range strings.Lines(string(list)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if got, err := hashOf(filepath.Join(r.dist, name)); err != nil || got != sum {
			t.Errorf("%s: %s, want %s (%v)", name, got, sum, err)
		}
	}
	t.Run("scoop", func(t *testing.T) { checkScoop(t, r, string(list)) })
	t.Run("formula", func(t *testing.T) { checkFormula(t, r, string(list)) })
	t.Run("materials", func(t *testing.T) { checkMaterials(t, r) })
	if runtime.GOARCH == "amd64" && runtime.GOOS == "linux" {
		t.Run("deb", func(t *testing.T) { installDeb(t, r) })
		t.Run("rpm", func(t *testing.T) { installRPM(t, r) })
	}
	again := made(t)
	second, err := os.ReadFile(filepath.Join(again.dist, "SHA256SUMS"))
	if err != nil || !bytes.Equal(second, list) {
		t.Errorf("a second release has other sums (%v):\n%s\nwant\n%s", err, second, list)
	}
}

// checkScoop compares the manifest with the sums.
func checkScoop(t *testing.T, r *release, sums string) {
	data, err := os.ReadFile(filepath.Join(r.dist, "webshellscan.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Version      string
		Homepage     string
		Architecture map[string]struct{ URL, Hash string }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if m.Version != "1.2.3" || m.Homepage != r.homepage || len(m.Architecture) != 2 {
		t.Errorf("%s", data)
	}
	for _, build := range m.Architecture {
		if name := strings.TrimPrefix(build.URL, r.url+"/"); !strings.Contains(sums, build.Hash+"  "+name+"\n") {
			t.Errorf("%s has not the hash %s", build.URL, build.Hash)
		}
	}
}

// checkFormula compares the formula with the sums.
func checkFormula(t *testing.T, r *release, sums string) {
	data, err := os.ReadFile(filepath.Join(r.dist, "webshellscan.rb"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	builds := 0
	for i, line := range lines {
		quoted := strings.Split(line, `"`)
		if strings.Contains(line, " url ") {
			builds++
			name := strings.TrimPrefix(quoted[1], r.url+"/")
			if sum := strings.Split(lines[i+1], `"`)[1]; !strings.Contains(sums, sum+"  "+name+"\n") {
				t.Errorf("%s has not the hash %s", name, sum)
			}
		}
	}
	if builds != 4 {
		t.Errorf("%d builds", builds)
	}
	if ruby, err := exec.LookPath("ruby"); err == nil {
		if out, err := exec.Command(ruby, "-c", filepath.Join(r.dist, "webshellscan.rb")).CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
	}
}

// checkMaterials checks that the bill has the modules that go.mod names.
func checkMaterials(t *testing.T, r *release) {
	data, err := os.ReadFile(filepath.Join(r.dist, "webshellscan-v1.2.3-linux-amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat  string
		Components []struct{ Name string }
	}
	if err := json.Unmarshal(data, &bill); err != nil || bill.BOMFormat != "CycloneDX" {
		t.Fatalf("%v: %.200s", err, data)
	}
	names := make(map[string]bool)
	for _, c := range bill.Components {
		names[c.Name] = true
	}
	for _, want := range []string{"github.com/0xrawsec/golang-evtx", "github.com/spf13/cobra", "go.yaml.in/yaml/v4", "std"} {
		if !names[want] {
			t.Errorf("no %s", want)
		}
	}
	if names["github.com/google/go-cmp"] {
		t.Error("what only tests use is in it")
	}
}

// need returns the path of a program that a test cannot do without.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("no " + name)
	}
	if os.Getuid() != 0 {
		t.Skip("packages are installed by root only")
	}
	return path
}

func do(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// installed checks a root that the package was installed to.
func installed(t *testing.T, root string) {
	t.Helper()
	if out := do(t, filepath.Join(root, "usr/bin/webshellscan"), "--version"); !strings.HasPrefix(out, "webshellscan v1.2.3 ") {
		t.Errorf("it says %q", out)
	}
	for _, name := range []string{
		"usr/share/man/man1/webshellscan.1", "usr/share/man/man1/webshellscan-tree.1", "usr/share/bash-completion/completions/webshellscan",
		"usr/share/zsh/site-functions/_webshellscan", "usr/share/fish/vendor_completions.d/webshellscan.fish", "usr/share/doc/webshellscan/copyright",
	} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// removed checks what is left of a package.
func removed(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "usr"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s is left", path)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

func installDeb(t *testing.T, r *release) {
	dpkg, root := need(t, "dpkg"), t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"status", "available"} {
		if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg", file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	about := do(t, "dpkg-deb", "-f", filepath.Join(r.dist, "webshellscan_1.2.3_amd64.deb"), "Maintainer", "Homepage")
	if want := "Maintainer: A. Packer <packer@example.org>\nHomepage: https://example.org/\n"; about != want {
		t.Errorf("%s, want %s", about, want)
	}
	do(t, dpkg, "--root="+root, "-i", filepath.Join(r.dist, "webshellscan_1.2.3_amd64.deb"))
	installed(t, root)
	do(t, dpkg, "--root="+root, "-P", "webshellscan")
	removed(t, root)
}

func installRPM(t *testing.T, r *release) {
	rpm, root := need(t, "rpm"), t.TempDir()
	if host := do(t, rpm, "-qp", "--qf", "%{BUILDHOST}", filepath.Join(r.dist, "webshellscan-1.2.3-1.x86_64.rpm")); host != "localhost" {
		t.Errorf("it names the machine that it was made on: %s", host)
	}
	do(t, rpm, "--root="+root, "--initdb")
	do(t, rpm, "--root="+root, "--nodeps", "-i", filepath.Join(r.dist, "webshellscan-1.2.3-1.x86_64.rpm"))
	installed(t, root)
	do(t, rpm, "--root="+root, "-e", "webshellscan")
	removed(t, root)
}
