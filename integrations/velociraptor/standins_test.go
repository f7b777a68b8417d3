package velociraptor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Velocidex/ordereddict"
	"www.velocidex.com/golang/vfilter"
	"www.velocidex.com/golang/vfilter/arg_parser"
	"www.velocidex.com/golang/vfilter/functions"
	"www.velocidex.com/golang/vfilter/plugins"
	"www.velocidex.com/golang/vfilter/types"
)

// program is the path of the binary: what WEBSHELLSCAN says, else TestMain
// builds it.
var program string

func TestMain(m *testing.M) {
	if program = os.Getenv("WEBSHELLSCAN"); program != "" {
		os.Exit(m.Run())
	}
	temp, err := os.MkdirTemp("", "webshellscan")
	if err != nil {
		log.Fatal(err)
	}
	program = filepath.Join(temp, "webshellscan")
	build := exec.Command("go", "build", "-o", program, "./cmd/webshellscan")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, out)
	}
	status := m.Run()
	os.RemoveAll(temp)
	os.Exit(status)
}

// logs returns the path of shipped logs.
func logs(names ...string) string {
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "testdata", "logs"}, names...)...))
	if err != nil {
		log.Fatal(err)
	}
	return path
}

// endpoint stands in for a client: it has the functions and plugins of
// Velociraptor that the artifacts use, with their arguments and columns.
// (https://docs.velociraptor.app/vql_reference/)
type endpoint struct {
	t             *testing.T
	system, host  string
	binary        string // what the tool is; empty if there is none
	temp, uploads string // folders
	ran           [][]string
	logged        []string
	hunt          map[string][]*ordereddict.Dict // of sources, for a notebook
}

func newEndpoint(t *testing.T, host string) *endpoint {
	t.Helper()
	return &endpoint{t: t, system: "linux", host: host, binary: program, temp: t.TempDir(), uploads: t.TempDir()}
}

func (e *endpoint) uploaded(name string) string {
	e.t.Helper()
	content, err := os.ReadFile(filepath.Join(e.uploads, name))
	if err != nil {
		e.t.Error(err)
	}
	return string(content)
}

func (e *endpoint) program(args ...string) {
	e.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		e.t.Errorf("%q: %v: %s", args, err, out)
	}
}

// scope returns a scope with what Velociraptor has. Whatever VQL complains of
// fails the test.
func (e *endpoint) scope(env *ordereddict.Dict) vfilter.Scope {
	scope := vfilter.NewScope()
	scope.SetLogger(log.New(complaints{e.t}, "", 0))
	fetch := plugin(e, "FetchBinary", e.fetchBinary)
	scope.AppendVars(ordereddict.NewDict().Set("Artifact", ordereddict.NewDict().Set("Generic",
		ordereddict.NewDict().Set("Utils", ordereddict.NewDict().Set("FetchBinary", fetch)))))
	if env != nil {
		scope.AppendVars(env)
	}
	scope.AppendPlugins(plugin(e, "info", e.info), plugin(e, "execve", e.execve), plugin(e, "glob", e.glob),
		plugin(e, "parse_jsonl", e.parseLines), plugin(e, "source", e.source))
	scope.AppendFunctions(function(e, "tempdir", e.tempdir), function(e, "path_join", pathJoin), function(e, "upload", e.upload),
		function(e, "log", e.log), function(e, "join", join))
	return scope
}

type complaints struct{ t *testing.T }

func (c complaints) Write(p []byte) (int, error) {
	if text := string(p); !strings.HasPrefix(text, "Starting") && !strings.Contains(text, "DEBUG") {
		c.t.Errorf("VQL: %s", text)
	}
	return len(p), nil
}

// plugin returns a plugin whose arguments are read into an A, as Velociraptor
// reads them: what is missing or of another type fails the test.
func plugin[A any](e *endpoint, name string, rows func(vfilter.Scope, *A) []vfilter.Row) plugins.GenericListPlugin {
	return plugins.GenericListPlugin{PluginName: name, Function: func(ctx context.Context, scope types.Scope, args *ordereddict.Dict) []types.Row {
		return rows(scope, arguments[A](ctx, e, name, scope, args))
	}}
}

// function returns a function in the same way.
func function[A any](e *endpoint, name string, value func(vfilter.Scope, *A) vfilter.Any) functions.GenericFunction {
	return functions.GenericFunction{FunctionName: name, Function: func(ctx context.Context, scope types.Scope, args *ordereddict.Dict) types.Any {
		return value(scope, arguments[A](ctx, e, name, scope, args))
	}}
}

func arguments[A any](ctx context.Context, e *endpoint, name string, scope types.Scope, args *ordereddict.Dict) *A {
	read := new(A)
	if err := arg_parser.ExtractArgsWithContext(ctx, scope, args, read); err != nil {
		e.t.Errorf("%s: %v", name, err)
	}
	return read
}

func (e *endpoint) info(vfilter.Scope, *struct{}) []vfilter.Row {
	return []vfilter.Row{ordereddict.NewDict().Set("OS", e.system).Set("Hostname", e.host).Set("Fqdn", e.host)}
}

type fetchArguments struct {
	ToolName     string `vfilter:"required,field=ToolName"`
	IsExecutable bool   `vfilter:"optional,field=IsExecutable"`
}

func (e *endpoint) fetchBinary(_ vfilter.Scope, args *fetchArguments) []vfilter.Row {
	if !args.IsExecutable {
		e.t.Errorf("FetchBinary is asked for no program: %+v", args)
	}
	if e.binary == "" {
		return nil
	}
	return []vfilter.Row{ordereddict.NewDict().Set("OSPath", e.binary).Set("FullPath", e.binary)}
}

type execveArguments struct {
	Argv   []string `vfilter:"required,field=argv"`
	Length int64    `vfilter:"optional,field=length"`
}

// execve runs a program. One that cannot be started is a row too, and not
// complete.
func (e *endpoint) execve(_ vfilter.Scope, args *execveArguments) []vfilter.Row {
	argv := args.Argv
	e.ran = append(e.ran, argv)
	var stdout, stderr bytes.Buffer
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	row := ordereddict.NewDict().Set("Stdout", stdout.String())
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return []vfilter.Row{row.Set("Stderr", err.Error()).Set("ReturnCode", int64(1)).Set("Complete", false)}
	}
	return []vfilter.Row{row.Set("Stderr", stderr.String()).Set("ReturnCode", int64(command.ProcessState.ExitCode())).Set("Complete", true)}
}

type globArguments struct {
	Globs []string `vfilter:"required,field=globs"`
}

func (e *endpoint) glob(_ vfilter.Scope, args *globArguments) (rows []vfilter.Row) {
	for _, pattern := range args.Globs {
		found, err := filepath.Glob(pattern)
		if err != nil {
			e.t.Error(err)
		}
		for _, path := range found {
			rows = append(rows, ordereddict.NewDict().Set("OSPath", path))
		}
	}
	return rows
}

type parseArguments struct {
	Filename string `vfilter:"required,field=filename"`
}

func (e *endpoint) parseLines(_ vfilter.Scope, args *parseArguments) (rows []vfilter.Row) {
	file, err := os.Open(args.Filename)
	if err != nil {
		e.t.Error(err)
		return nil
	}
	defer file.Close()
	for reader := bufio.NewReader(file); ; {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return rows
		}
		row := ordereddict.NewDict()
		if err := row.UnmarshalJSON(line); err != nil {
			e.t.Error(err)
		}
		rows = append(rows, row)
	}
}

type sourceArguments struct {
	Source string `vfilter:"required,field=source"`
}

func (e *endpoint) source(_ vfilter.Scope, args *sourceArguments) (rows []vfilter.Row) {
	for _, row := range e.hunt[args.Source] {
		rows = append(rows, row)
	}
	return rows
}

type tempdirArguments struct {
	RemoveLast bool `vfilter:"optional,field=remove_last"`
}

// tempdir makes a folder that goes with the scope.
func (e *endpoint) tempdir(scope vfilter.Scope, args *tempdirArguments) vfilter.Any {
	path, err := os.MkdirTemp(e.temp, "")
	if err != nil {
		e.t.Fatal(err)
	}
	if args.RemoveLast {
		if err := scope.AddDestructor(func() { os.RemoveAll(path) }); err != nil {
			e.t.Error(err)
		}
	}
	return path
}

type pathJoinArguments struct {
	Components []string `vfilter:"required,field=components"`
}

func pathJoin(_ vfilter.Scope, args *pathJoinArguments) vfilter.Any {
	return filepath.Join(args.Components...)
}

type joinArguments struct {
	Array []string `vfilter:"required,field=array"`
	Sep   string   `vfilter:"optional,field=sep"`
}

func join(_ vfilter.Scope, args *joinArguments) vfilter.Any {
	return strings.Join(args.Array, args.Sep)
}

type uploadArguments struct {
	File string `vfilter:"required,field=file"`
	Name string `vfilter:"optional,field=name"`
}

func (e *endpoint) upload(_ vfilter.Scope, args *uploadArguments) vfilter.Any {
	content, err := os.ReadFile(args.File)
	if err == nil {
		err = os.WriteFile(filepath.Join(e.uploads, args.Name), content, 0o600)
	}
	if err != nil {
		e.t.Error(err)
	}
	return ordereddict.NewDict().Set("Path", args.Name).Set("Size", len(content))
}

type logArguments struct {
	Message string `vfilter:"required,field=message"`
	Level   string `vfilter:"optional,field=level"`
}

// log logs a message, and is true.
func (e *endpoint) log(_ vfilter.Scope, args *logArguments) vfilter.Any {
	e.logged = append(e.logged, args.Level+": "+args.Message)
	return true
}
