// Evtxgen writes EVTX logs of any size for benchmarks.
//
// Usage:
//
//	evtxgen [-kind mixed|process|none] [-form sysmon|security] [-size 1GiB | -events N] [-distinct]
//	        [-forwarded] [-files MAX] [-seed N] -o DIR
//
// The kinds are:
//
//	mixed    what busy servers log, in files of several channels and sizes; 2 to 5 % of the events are
//	         process creations and ends
//	process  process creations and ends only, images and command lines repeating as they do in real logs
//	none     the same as mixed without any process creation or end
//
// With -form sysmon process events are Sysmon's 1 and 5, with -form security
// 4688 and 4689. With -distinct every command line differs from every other.
// Logs go to DIR/HOST/CHANNEL.evtx; a new host begins when the logs of one have
// reached the size that -files gives. With -forwarded all events of a host go
// to DIR/HOST/ForwardedEvents.evtx in the shape in which collectors store them:
// without templates. The same flags give the same bytes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit status: 0, 1 if writing failed, 2 for wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		if err != flag.ErrHelp {
			fmt.Fprintln(stderr, "evtxgen:", err)
		}
		return 2
	}
	made, err := generate(ctx, o)
	if err != nil {
		fmt.Fprintln(stderr, "evtxgen:", err)
		return 1
	}
	fmt.Fprintf(stdout, "%d files, %d events, %d bytes\n", made.files, made.events, made.bytes)
	return 0
}
