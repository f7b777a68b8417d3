// Command webshellscan reads exported Windows event logs and reports what web
// servers started, what ran below them, in what order and as whom.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"webshellscan/internal/work"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A reader that goes away (webshellscan … | head) shows as an error of
	// the write, which ends the report quietly.
	signal.Ignore(syscall.SIGPIPE)
	// The first signal asks for an end with a report; a second one kills.
	context.AfterFunc(ctx, stop)
	spareCollections()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the command line and returns the exit status. A panic that nothing
// below recovered from is reported as an internal error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	g := &globals{stdin: stdin, stdout: stdout, stderr: stderr}
	cmd := newRootCommand(g)
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	var err error
	if crash := work.Guard(func() { err = cmd.ExecuteContext(ctx) }); crash != nil {
		err = fmt.Errorf("internal error (please report): %w", crash)
	}
	if isInterrupt(ctx, err) {
		_, _ = fmt.Fprintln(stderr, "INTERRUPTED: before anything was written") // without standard error there is nobody to tell
		err = outcome(exitInterrupted)
	}
	status := exitStatus(err, stderr)
	if status == exitFindings && g.exitZero {
		return exitNothing
	}
	return status
}
