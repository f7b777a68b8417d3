package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestPatterns: on Windows a verb gets the files that a pattern matches, and
// the values of flags as they are.
func TestPatterns(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.evtx", "b.evtx", "c.txt"} {
		if err := write(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	for system, want := range map[string][]string{
		"windows": {"a.evtx", "b.evtx", "none*.evtx", "c.txt"},
		"linux":   {"*.evtx", "none*.evtx", "c.txt"},
	} {
		var got, hosts []string
		verb := &cobra.Command{Use: "verb", RunE: func(_ *cobra.Command, args []string) error { got = args; return nil }}
		verb.Flags().StringArrayVar(&hosts, "host", nil, "")
		root := &cobra.Command{Use: "root"}
		root.AddCommand(verb)
		root.SetArgs([]string{"verb", "*.evtx", "none*.evtx", "c.txt", "--host", "*.evtx"})
		expandPatterns(root, system)
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", system, diff)
		}
		if diff := cmp.Diff([]string{"*.evtx"}, hosts); diff != "" {
			t.Errorf("%s: the value of a flag (-want +got):\n%s", system, diff)
		}
	}
	if got := matchedFiles([]string{filepath.Join("[", "x")}); len(got) != 1 {
		t.Errorf("a bad pattern: %q", got)
	}
}
