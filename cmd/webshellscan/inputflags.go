package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"webshellscan/scan"
)

// inputFlags are how archives and images are read. All verbs that read logs
// have them.
type inputFlags struct {
	passwords     []string
	passwordFiles []string
	memory        string
	carve         bool
	verifyImages  bool
	temp          string
	webLogs       []string
}

func (f *inputFlags) addFlags(flags *pflag.FlagSet) {
	f.addUnpackFlags(flags)
	flags.BoolVar(&f.carve, "carve", false, "also search the unallocated clusters of disk images, page files, and files named on the command line, for chunks of logs")
}

// addUnpackFlags adds the flags for how files are read from archives and
// images.
func (f *inputFlags) addUnpackFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.passwords, "password", nil, "try this `password` on encrypted archives (repeatable; \"infected\" is always tried)")
	flags.StringArrayVar(&f.passwordFiles, "password-file", nil, "try each line of this `file` as a password (repeatable)")
	flags.StringVar(&f.memory, "memory", "", "memory for what is unpacked at once, a `size` such as 512M or 4G (default a quarter of the machine's, at most 2G)")
	flags.StringVar(&f.temp, "temp", "", "a `folder` for temporary files with what does not fit into --memory, such as an image in an archive")
	flags.BoolVar(&f.verifyImages, "verify-image", false, "compare the MD5 and SHA-1 that E01 images were stored with, for which each is read whole")
}

// given returns paths, and with them the files that the flags name: no report
// may overwrite any of them.
func (f *inputFlags) given(paths []string) []string {
	all := slices.Concat(paths, f.passwordFiles)
	for _, log := range f.webLogs {
		_, path, _ := strings.Cut(log, "=")
		all = append(all, path)
	}
	return all
}

// addWebLog adds the flag for the hosts of web logs, of verbs that read them.
func (f *inputFlags) addWebLog(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.webLogs, "web-log", nil, "the host of the web logs at or below a path, as `HOST=PATH`, unless their lines name another one (repeatable)")
}

// hostsOfWebLogs returns the flags --web-log: hosts by path.
func (f *inputFlags) hostsOfWebLogs() (map[string]string, error) {
	hosts := make(map[string]string, len(f.webLogs))
	for _, given := range f.webLogs {
		host, path, ok := strings.Cut(given, "=")
		if !ok || host == "" || path == "" {
			return nil, fmt.Errorf("--web-log %q: not HOST=PATH", given)
		}
		if other, ok := hosts[path]; ok && other != host {
			return nil, fmt.Errorf("--web-log %s: of two hosts, %s and %s", path, other, host)
		}
		hosts[path] = host
	}
	return hosts, nil
}

// finalize checks the flags and returns how the inputs below paths are found.
func (f *inputFlags) finalize(paths []string) (scan.SourceOptions, error) {
	sources := scan.SourceOptions{Passwords: f.passwords, Carve: f.carve, VerifyImages: f.verifyImages, Temp: f.temp}
	if f.temp != "" {
		if info, err := os.Stat(f.temp); err != nil || !info.IsDir() {
			return sources, fmt.Errorf("--temp %s is no folder", f.temp)
		}
		if err := checkFolder("--temp", f.temp, paths); err != nil {
			return sources, err
		}
	}
	for _, name := range f.passwordFiles {
		lines, err := readPasswords(name)
		if err != nil {
			return sources, fmt.Errorf("--password-file: %w", err)
		}
		sources.Passwords = append(sources.Passwords, lines...)
	}
	var err error
	if sources.Memory, err = parseBytes(f.memory); err != nil {
		return sources, fmt.Errorf("--memory %q: %w", f.memory, err)
	}
	return sources, nil
}

// maxPasswords bounds the passwords of one file: each is tried on each member.
const maxPasswords = 10_000

// readPasswords returns the lines of a file, but for empty ones.
func readPasswords(name string) ([]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var list []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := strings.TrimSuffix(lines.Text(), "\r"); line != "" {
			list = append(list, line)
		}
		if len(list) > maxPasswords {
			return nil, fmt.Errorf("%s has more than %d passwords", name, maxPasswords)
		}
	}
	return list, lines.Err()
}

// parseBytes reads a size in bytes that may end in K, M, G or T, for powers of
// 1024; "" is 0.
func parseBytes(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	digits := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	shift := 0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if plain, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = plain, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		return 0, errors.New("not a size such as 512M or 4G")
	}
	return n << shift, nil
}

// sourceOptions checks the flags and returns how the inputs below paths are
// found.
func (g *globals) sourceOptions(paths []string) (scan.SourceOptions, error) {
	options, err := g.inputFlags.finalize(paths)
	if err == nil {
		options.Stdin, err = g.standardInput(paths)
	}
	return options, err
}

// standardInput returns the standard input if it is among the paths. No logs
// come from a terminal.
func (g *globals) standardInput(paths []string) (io.Reader, error) {
	if !slices.Contains(paths, "-") {
		return nil, nil
	}
	if f, ok := g.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return nil, errors.New("-: the standard input is a terminal; send a log into it: webshellscan - < Security.evtx")
	}
	return g.stdin, nil
}

// expandPatterns makes a verb, and those below it, accept paths such as *.evtx
// on Windows, where no shell replaces them by the files that they match.
func expandPatterns(cmd *cobra.Command, system string) {
	if system != "windows" {
		return
	}
	if given := cmd.RunE; given != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return given(cmd, matchedFiles(args)) }
	}
	for _, below := range cmd.Commands() {
		expandPatterns(below, system)
	}
}

// matchedFiles replaces patterns by the files that they match. One that matches
// none stays: reading it reports the error.
func matchedFiles(paths []string) []string {
	var list []string
	for _, path := range paths {
		if files, err := filepath.Glob(path); err == nil && len(files) > 0 {
			list = append(list, files...)
			continue
		}
		list = append(list, path)
	}
	return list
}
