package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/source"
	"webshellscan/scan/source/extract"
)

// extractOptions are the flags of the verb extract.
type extractOptions struct {
	*globals
	dir     string
	all     bool
	noHash  bool
	maxSize string
}

func newExtractCommand(g *globals) *cobra.Command {
	o := &extractOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "extract [flags] PATH... -o DIR",
		Short: "Write the logs in archives and disk images to a folder",
		Long: `extract writes the event logs that lie in archives, disk images and their
shadow copies into the folder DIR, which must not be below a PATH. Files are
named by numbers and what is harmless in their own names; ` + extract.ManifestName + ` says
of each where it lay, its size and SHA-256. Existing files are never written to.

Exit status:
  0    done
  2    wrong usage, or DIR has a manifest already
  3    incomplete: something could not be read or written; the manifest says
       what
  130  interrupted; the manifest says so
`,
		Example: `  webshellscan extract case.zip srv1.E01 -o ./logs
  webshellscan extract srv1.vhdx --all -o ./evidence`,
		RunE: func(cmd *cobra.Command, args []string) error { return runExtract(cmd, o, args) },
	}
	flags := cmd.Flags()
	o.addUnpackFlags(flags)
	flags.StringVarP(&o.dir, "output", "o", "", "the `folder` to write to, which is made if it is not there")
	flags.BoolVar(&o.all, "all", false, "also web server logs and the configurations of web servers")
	flags.BoolVar(&o.noHash, "no-hash", false, "do not compute the SHA-256 of the archives and images themselves")
	flags.StringVar(&o.maxSize, "max-size", "64G", "write no more `bytes` than these in all")
	return cmd
}

// finalize checks the flags.
func (o *extractOptions) finalize(paths []string) (extract.Options, error) {
	options := extract.Options{Version: version(), Hash: !o.noHash}
	switch {
	case len(paths) == 0:
		return options, errors.New("no file or folder given: webshellscan extract PATH... -o DIR (see --help)")
	case o.dir == "":
		return options, errors.New("no folder given to write to: -o DIR")
	}
	if err := checkFolder("-o", o.dir, paths); err != nil {
		return options, err
	}
	var err error
	if options.MaxSize, err = parseBytes(o.maxSize); err != nil {
		return options, fmt.Errorf("--max-size %q: %w", o.maxSize, err)
	}
	return options, nil
}

// checkFolder returns an error if the folder that a flag names lies below an
// input.
func checkFolder(flag, dir string, inputs []string) error {
	for _, path := range inputs {
		if info, err := os.Stat(path); err == nil && info.IsDir() && isBelow(existing(dir), path) {
			return fmt.Errorf("%s %s lies below the input %s: nothing is written among evidence", flag, dir, path)
		}
	}
	return nil
}

// existing returns the innermost folder of a path that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		above := filepath.Dir(path)
		if above == path {
			return path
		}
		path = above
	}
}

// runExtract is the verb extract.
func runExtract(cmd *cobra.Command, o *extractOptions, args []string) error {
	options, err := o.finalize(args)
	if err != nil {
		return err
	}
	sources, err := o.sourceOptions(args)
	if err != nil {
		return err
	}
	if o.all {
		sources.Wanted = append(source.ServerConfigs(), scan.WebLogs())
	}
	found, err := source.Find(cmd.Context(), args, sources)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }() // what is left of temporary files is no evidence
	m, err := extract.Extract(cmd.Context(), &found, o.dir, options)
	if m == nil {
		return err
	}
	o.summarize(m)
	switch {
	case m.Interrupted:
		return outcome(exitInterrupted)
	case err != nil:
		return &outputError{filepath.Join(o.dir, extract.ManifestName), err}
	case m.Incomplete():
		return outcome(exitIncomplete)
	}
	return nil
}

// summarize prints on standard error what was written, and what was not.
func (o *extractOptions) summarize(m *extract.Manifest) {
	written, size := 0, int64(0)
	for _, f := range m.Files {
		if f.File != "" {
			written++
			size += f.Size
		}
		if f.Error != "" {
			_, _ = fmt.Fprintf(o.stderr, "NOT EXTRACTED WHOLE: %s: %s\n", text.Visible(f.Path), text.Visible(f.Error))
		}
	}
	for _, r := range m.NotRead {
		_, _ = fmt.Fprintf(o.stderr, "NOT READ: %s: %s\n", text.Visible(r.Path), text.Visible(r.Text))
	}
	if !o.quiet {
		_, _ = fmt.Fprintf(o.stderr, "%d files, %d bytes, written to %s\n", written, size, text.Visible(o.dir))
	}
}
