package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newManCommand returns the verb man, for packages.
func newManCommand(g *globals) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [flags] [VERB...]",
		Short: "Write the manual pages",
		Long: `man writes the manual page of a verb, or of webshellscan itself, to standard
output, or those of all verbs to a folder.

Exit status:
  0    done
  2    wrong usage, or a page exists already
`,
		Example: "  webshellscan man tree | man -l -\n  webshellscan man -o ./man1",
		Hidden:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return writeManOf(g.stdout, cmd.Root(), args)
			}
			if len(args) > 0 {
				return errors.New("-o writes the pages of all verbs")
			}
			return writeManPages(cmd.Root(), dir)
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "", "the `folder` to write the pages of all verbs to")
	_ = cmd.MarkFlagDirname("output")
	return cmd
}

// writeManOf writes the page of a verb.
func writeManOf(w io.Writer, root *cobra.Command, verb []string) error {
	found, err := verbNamed(root, verb)
	if err != nil {
		return err
	}
	_, err = w.Write(manPage(found))
	return err
}

// writeManPages writes the pages of a command and of all verbs below it.
func writeManPages(cmd *cobra.Command, dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, manName(cmd)+".1"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(manPage(cmd))
	err = errors.Join(err, file.Close())
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			err = errors.Join(err, writeManPages(verb, dir))
		}
	}
	return err
}

// manName returns the name of a command's page.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage returns the page of a command, in the macros of man(7). It says what
// the help says.
func manPage(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	about, exit, _ := strings.Cut(cmd.Long, "Exit status:\n")
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"webshellscan\" \"User Commands\"\n", roff(strings.ToUpper(manName(cmd))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	if cmd.Runnable() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	}
	b.WriteString(".SH DESCRIPTION\n")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(about), "\n\n") {
		manParagraph(&b, paragraph)
	}
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n")
		manVerbatim(&b, cmd.Example)
	}
	for _, group := range flagGroupsOf(cmd) {
		fmt.Fprintf(&b, ".SH %s\n", roff(strings.ToUpper(group.title)))
		group.flags.VisitAll(func(f *pflag.Flag) { manFlag(&b, f) })
	}
	if exit != "" {
		b.WriteString(".SH EXIT STATUS\n")
		manVerbatim(&b, exit)
	}
	manSeeAlso(&b, cmd)
	return b.Bytes()
}

// manParagraph writes a paragraph: as it stands if its lines are indented.
func manParagraph(b *bytes.Buffer, paragraph string) {
	if strings.Contains(paragraph, "\n  ") {
		head, rest, _ := strings.Cut(paragraph, "\n  ")
		fmt.Fprintf(b, ".PP\n%s\n", roff(head))
		manVerbatim(b, "  "+rest)
		return
	}
	fmt.Fprintf(b, ".PP\n%s\n", roff(paragraph))
}

// manVerbatim writes lines as they are.
func manVerbatim(b *bytes.Buffer, lines string) {
	fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roff(strings.TrimRight(lines, "\n")))
}

// manFlag writes a flag with what it is for.
func manFlag(b *bytes.Buffer, f *pflag.Flag) {
	value, usage := pflag.UnquoteUsage(f)
	b.WriteString(".TP\n")
	if f.Shorthand != "" {
		fmt.Fprintf(b, "\\fB\\-%s\\fR, ", roff(f.Shorthand))
	}
	fmt.Fprintf(b, "\\fB\\-\\-%s\\fR", roff(f.Name))
	if value != "" {
		fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
	}
	fmt.Fprintf(b, "\n%s\n", roff(usage))
}

// manSeeAlso names the pages above and below.
func manSeeAlso(b *bytes.Buffer, cmd *cobra.Command) {
	var pages []string
	if cmd.HasParent() {
		pages = append(pages, manName(cmd.Parent()))
	}
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			pages = append(pages, manName(verb))
		}
	}
	b.WriteString(".SH SEE ALSO\n")
	for i, page := range pages {
		comma := ","
		if i == len(pages)-1 {
			comma = ""
		}
		fmt.Fprintf(b, ".BR %s (1)%s\n", roff(page), comma)
	}
}

// roff returns text as roff takes it for text: its escape character, hyphens
// that are meant as such, and what at the start of a line is a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
