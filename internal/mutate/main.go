// Command mutate finds out which lines no test holds: it changes one thing of
// the code at a time, runs the tests, and prints the changes that no test
// noticed. Nothing in the tree is written: go test reads the changed file in
// place of the real one (-overlay). A sample is the same for the same seed and
// code.
//
//	go run ./internal/mutate -n 50 -seed 3 scan scan/evtx rules/match.go
//
// Arguments are folders of packages, or files of them, from the top of the
// module. All mutants are tried with the tests of their own package first, and
// those that live with the tests of the packages that depend on it. With -log,
// a run that was interrupted goes on where it was, and what a test has killed
// once is not tried again. The exit status is 1 if more than -max per cent
// survive.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
)

// options are those of the command line.
type options struct {
	n    int
	seed uint64
	jobs int
	max  float64 // per cent
	list bool
	own  bool   // no tests but those of a mutant's own package
	line string // a regular expression that a mutant matches as it is printed
	log  string // the name of a file, "" for none
}

func main() {
	var o options
	flag.IntVar(&o.n, "n", 20, "how many mutants that compile to try")
	flag.Uint64Var(&o.seed, "seed", 1, "of the sample")
	flag.IntVar(&o.jobs, "jobs", 2, "how many to try at a time")
	flag.Float64Var(&o.max, "max", 10, "how many may survive, in per cent")
	flag.StringVar(&o.log, "log", "", "a file that keeps what was killed, for the next run")
	flag.BoolVar(&o.own, "own", false, "run the tests of a mutant's own package only")
	flag.StringVar(&o.line, "match", "", "try only mutants whose printed line matches this regular expression")
	flag.BoolVar(&o.list, "list", false, "print the sample and try nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	held, err := run(ctx, o, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if !held {
		os.Exit(1)
	}
}

// run tries a sample and prints what survives. It reports whether few enough
// do.
func run(ctx context.Context, o options, paths []string) (held bool, err error) {
	known, err := parseEquivalents(equivalents)
	if err != nil {
		return false, err
	}
	all, err := collect(paths)
	if err != nil {
		return false, err
	}
	sample := choose(all, o.seed)
	if o.line != "" {
		line, err := regexp.Compile(o.line)
		if err != nil {
			return false, err
		}
		sample = slices.DeleteFunc(sample, func(m mutant) bool { return !line.MatchString(m.String()) })
	}
	if o.list {
		for _, m := range sample[:min(o.n, len(sample))] {
			fmt.Println(m)
		}
		return true, nil
	}
	t, err := newTester(ctx)
	if err != nil {
		return false, err
	}
	defer t.close()
	tried, err := openLog(o.log)
	if err != nil {
		return false, err
	}
	defer tried.close()
	sum, err := t.tryAll(ctx, &queue{list: sample, wanted: o.n, known: known, log: tried}, o)
	if err != nil {
		return false, err
	}
	fmt.Println(sum)
	return sum.percent() <= o.max, context.Cause(ctx)
}
