// Package jobs tests the recipes of this folder: it runs their command lines
// with what the engines set.
package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// bin is the folder of the program, which TestMain builds.
var bin string

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "webshellscan"); err != nil {
		log.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "webshellscan"), "./cmd/webshellscan")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, out)
	}
	status := m.Run()
	_ = os.RemoveAll(bin)
	os.Exit(status)
}

// bench is evidence of 16 hosts, and a place for results.
type bench struct {
	t                     *testing.T
	root, evidence, where string
	scan                  []byte // what one scan of all evidence says
}

const hosts = 16

func newBench(t *testing.T) *bench {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("recipes for Linux")
	}
	b := &bench{t: t, root: t.TempDir()}
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "logs", "APP01", "System.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	b.evidence = filepath.Join(b.root, "evidence")
	for i := range hosts {
		b.write(filepath.Join(b.evidence, fmt.Sprintf("H%02d", i), "System.evtx"), content)
	}
	b.where = filepath.Join(b.root, "results")
	b.scan = b.report(b.evidence)
	return b
}

func (b *bench) write(path string, content []byte) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
		b.t.Fatal(err)
	}
}

// begin makes a new, empty folder of results.
func (b *bench) begin() {
	b.t.Helper()
	if err := errors.Join(os.RemoveAll(b.where), os.Mkdir(b.where, 0o700)); err != nil {
		b.t.Fatal(err)
	}
}

// run runs a command as an engine does, and returns its exit status.
func (b *bench) run(env []string, argv ...string) int {
	b.t.Helper()
	command := exec.Command(argv[0], argv[1:]...)
	if argv[0] == "webshellscan" {
		command = exec.Command(filepath.Join(bin, argv[0]), argv[1:]...)
	}
	command.Dir = b.root
	command.Env = append(env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+b.root)
	out, err := command.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		b.t.Fatalf("%q: %v", argv, err)
	}
	if status := command.ProcessState.ExitCode(); status != 2 {
		return status
	}
	b.t.Fatalf("%q: wrong usage: %s", argv, out)
	return 2
}

// results returns the partial results, of which nothing else may be in their
// folder.
func (b *bench) results() []string {
	b.t.Helper()
	all, _ := filepath.Glob(filepath.Join(b.where, "*"))
	for _, path := range all {
		if filepath.Ext(path) != ".wsp" {
			b.t.Errorf("left in the results: %s", path)
		}
	}
	return all
}

// report returns what a scan or a merge says as JSON Lines.
func (b *bench) report(args ...string) []byte {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "report.jsonl")
	argv := slices.Concat([]string{"webshellscan"}, args, []string{"--exit-zero", "-q", "-o", path})
	if status := b.run(nil, argv...); status != 0 {
		b.t.Errorf("%q ends with %d", argv, status)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return content
}

// whole fails unless the merge of the partial results is one scan of all
// evidence.
func (b *bench) whole(what string, partials []string) {
	b.t.Helper()
	merged := b.report(append([]string{"merge"}, partials...)...)
	if got := bytes.Count(merged, []byte(`/System.evtx","size"`)); got != hosts {
		b.t.Errorf("%s: %d hosts", what, got)
	}
	if !bytes.Equal(merged, b.scan) {
		b.t.Errorf("%s: the merge is not what one scan says", what)
	}
}

// job is what the test reads of a Kubernetes Job.
type job struct {
	Spec struct {
		CompletionMode string `yaml:"completionMode"`
		Completions    int
		Policy         struct {
			Rules []struct {
				Action string
				Codes  struct{ Values []int } `yaml:"onExitCodes"`
			}
		} `yaml:"podFailurePolicy"`
		Template struct {
			Spec struct {
				Containers []struct {
					Command, Args []string
					Env           []struct{ Name, Value string }
				}
			}
		}
	}
}

func readJob(t *testing.T) job {
	t.Helper()
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var j job
	if err := yaml.Unmarshal(text, &j); err != nil {
		t.Fatal(err)
	}
	return j
}

// pod runs the container of a job of n completions as the pod of an index does,
// and returns its exit status.
func (b *bench) pod(j job, index, n int, name string) int {
	b.t.Helper()
	c := j.Spec.Template.Spec.Containers[0]
	values := map[string]string{"JOB_COMPLETION_INDEX": fmt.Sprint(index), "POD_NAME": name}
	for _, e := range c.Env {
		if e.Name == "JOB_COMPLETIONS" {
			values[e.Name] = fmt.Sprint(n)
		}
	}
	var env []string
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	argv := slices.Concat(c.Command, c.Args)
	for i, arg := range argv {
		arg = regexp.MustCompile(`\$\((\w+)\)`).ReplaceAllStringFunc(arg, func(s string) string { return values[s[2:len(s)-1]] })
		argv[i] = strings.NewReplacer("/evidence", b.evidence, "/results", b.where).Replace(arg)
	}
	return b.run(env, argv...)
}

// TestKubernetes: for any number of completions every folder is read once, and
// a pod that comes again does no harm.
func TestKubernetes(t *testing.T) {
	b, j := newBench(t), readJob(t)
	c := j.Spec.Template.Spec.Containers[0]
	if n := fmt.Sprint(j.Spec.Completions); j.Spec.CompletionMode != "Indexed" || c.Env[0].Name != "JOB_COMPLETIONS" || c.Env[0].Value != n {
		t.Errorf("completions %s, environment %v", n, c.Env)
	}
	for _, n := range []int{1, 3, hosts} {
		b.begin()
		for index := range n {
			if status := b.pod(j, index, n, fmt.Sprintf("webshellscan-%d-abcde", index)); status != 0 {
				t.Errorf("pod %d of %d ends with %d", index, n, status)
			}
		}
		b.pod(j, 0, n, "webshellscan-0-again")
		b.whole(fmt.Sprintf("%d pods", n), b.results())
	}
}

// TestKubernetesStatuses: the statuses that collect ends with are what the job
// says they mean, and the partial result is there.
func TestKubernetesStatuses(t *testing.T) {
	b, j := newBench(t), readJob(t)
	b.begin()
	b.write(filepath.Join(b.evidence, "H00", "cut.zip"), []byte("PK\x03\x04\x00\x00\x00\x00"))
	status := b.pod(j, 0, 2, "incomplete")
	action := ""
	for _, rule := range j.Spec.Policy.Rules {
		if slices.Contains(rule.Codes.Values, status) {
			action = rule.Action
		}
	}
	if action != "FailIndex" || len(b.results()) != 1 {
		t.Errorf("status %d of an incomplete shard is %q, with %q", status, action, b.results())
	}
}

// TestSlurm runs the script as tasks of arrays, which may begin with any
// number.
func TestSlurm(t *testing.T) {
	b := newBench(t)
	script, err := filepath.Abs("slurm.sh")
	if err != nil {
		t.Fatal(err)
	}
	task := func(first, index, n, restarts int) int {
		return b.run([]string{
			"EVIDENCE=" + b.evidence, "RESULTS=" + b.where, "SLURM_ARRAY_JOB_ID=77", "SLURM_CPUS_PER_TASK=2",
			fmt.Sprint("SLURM_ARRAY_TASK_MIN=", first), fmt.Sprint("SLURM_ARRAY_TASK_COUNT=", n),
			fmt.Sprint("SLURM_ARRAY_TASK_ID=", first+index), fmt.Sprint("SLURM_RESTART_COUNT=", restarts),
		}, "sh", script)
	}
	for _, array := range []struct{ first, n int }{{0, 1}, {1, 5}, {10, hosts + 2}} {
		b.begin()
		for index := range array.n {
			if status := task(array.first, index, array.n, 0); status != 0 {
				t.Errorf("task %d of %d ends with %d", index, array.n, status)
			}
		}
		task(array.first, 0, array.n, 1)
		b.whole(fmt.Sprintf("%d tasks from %d on", array.n, array.first), b.results())
	}
}

// TestBatch runs the command line of the table as tasks of an array of AWS
// Batch.
func TestBatch(t *testing.T) {
	b := newBench(t)
	b.begin()
	line := regexp.MustCompile("`(webshellscan collect .*AWS_BATCH.*?)`").FindStringSubmatch(b.readme())[1]
	line = strings.NewReplacer("/evidence", b.evidence, "/results", b.where).Replace(line)
	for index := range 5 {
		env := []string{"AWS_BATCH_JOB_ARRAY_SIZE=5", fmt.Sprint("AWS_BATCH_JOB_ARRAY_INDEX=", index)}
		if status := b.run(env, "sh", "-c", line); status != 0 {
			t.Errorf("task %d ends with %d", index, status)
		}
	}
	b.whole("AWS Batch", b.results())
}

func (b *bench) readme() string {
	b.t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// command returns the command line of the README that begins with a word.
func (b *bench) command(word string) string {
	b.t.Helper()
	found := regexp.MustCompile(`(?m)^    (` + word + ` .*)$`).FindStringSubmatch(b.readme())
	if found == nil {
		b.t.Fatalf("the README has no command %s", word)
	}
	return found[1]
}

// TestParallel runs the line for GNU parallel, and the merge with a host that
// did not come.
func TestParallel(t *testing.T) {
	if _, err := exec.LookPath("parallel"); err != nil {
		t.Skip("GNU parallel is not installed")
	}
	b := newBench(t)
	b.begin()
	if status := b.run(nil, "sh", "-c", b.command("parallel")); status != 0 {
		t.Errorf("parallel ends with %d", status)
	}
	if got := len(b.results()); got != hosts {
		t.Errorf("%d partial results", got)
	}
	b.write(filepath.Join(b.root, "hosts.txt"), []byte("APP01.harbor.example\nAPP02\n"))
	merge := strings.ReplaceAll(b.command("webshellscan merge"), "/results", b.where)
	if status := b.run(nil, "sh", "-c", merge); status != 3 {
		t.Errorf("the merge without an expected host ends with %d", status)
	}
	if page, err := os.ReadFile(filepath.Join(b.root, "report.html")); err != nil || !bytes.Contains(page, []byte("APP02")) {
		t.Errorf("the page does not name the host that did not come (%v)", err)
	}
}
