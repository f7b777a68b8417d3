package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// shard is the part of the evidence that one run reads: each count-th of the
// entries below a folder, beginning with the index-th.
type shard struct{ index, count int }

const maxShards = 1 << 20

// arrays are the environment variables by which schedulers number the tasks of
// an array: the task's number, how many there are, and the number of the first.
var arrays = []struct{ index, count, first string }{
	{"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", ""}, // Kubernetes; the count is set by the job's author
	{"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", ""},
	{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"},
}

// parseShard reads the flag --shard: I/N, or env, or env/N. Shards are counted
// from 0 or from 1: shard N is shard 0.
func parseShard(text string, getenv func(string) string) (shard, error) {
	index, count, _ := strings.Cut(text, "/")
	if index == "env" {
		return shardOfTask(count, getenv)
	}
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if err := errors.Join(err1, err2); err != nil || n < 1 || n > maxShards || i < 0 || i > n {
		return shard{}, fmt.Errorf("--shard %q: not I/N, such as 3/16, and neither env nor env/N", text)
	}
	return shard{i % n, n}, nil
}

// shardOfTask returns the shard of the task of an array that this run is.
func shardOfTask(count string, getenv func(string) string) (shard, error) {
	var known []string
	for _, a := range arrays {
		known = append(known, a.index)
		if getenv(a.index) == "" {
			continue
		}
		numberOf := func(name, text string) (int, error) {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > maxShards {
				return 0, fmt.Errorf("--shard env: %s is %q, which is no number of a task", name, text)
			}
			return n, nil
		}
		size, from := getenv(a.count), a.count
		if count != "" {
			size, from = count, "the count"
		}
		if size == "" {
			return shard{}, fmt.Errorf("--shard env: %s says which task this is, but %s does not say of how many (or give it: --shard env/N)", a.index, a.count)
		}
		i, err1 := numberOf(a.index, getenv(a.index))
		n, err2 := numberOf(from, size)
		first, err3 := 0, error(nil)
		if a.first != "" && getenv(a.first) != "" {
			first, err3 = numberOf(a.first, getenv(a.first))
		}
		if err := errors.Join(err1, err2, err3); err != nil {
			return shard{}, err
		}
		if i -= first; n < 1 || i < 0 || i >= n {
			return shard{}, fmt.Errorf("--shard env: task %d is none of %d", i, n)
		}
		return shard{i, n}, nil
	}
	return shard{}, fmt.Errorf("--shard env: none of %s is set", strings.Join(known, ", "))
}

// paths returns the part of the shard among the entries below folders, in their
// order, and what else was named.
func (s shard) paths(given []string) ([]string, error) {
	var all []string
	for _, path := range given {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			all = append(all, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			all = append(all, filepath.Join(path, e.Name()))
		}
	}
	var paths []string
	for i, path := range all {
		if i%s.count == s.index {
			paths = append(paths, path)
		}
	}
	return paths, nil
}
