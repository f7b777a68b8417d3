// Package nearest finds the names that mistyped ones may stand for.
package nearest

import "strings"

// Name returns the name that a mistyped one may stand for, compared without
// case, and "" if none is near: one edit away, two of six characters and more,
// three of nine and more. Another number is no typo: WEB02 is not WEB01.
func Name(typed string, names []string) string {
	best, least := "", 1+max(1, min(len(typed)/3, 3))
	for _, name := range names {
		if digits(name) != digits(typed) {
			continue
		}
		if n := edits(strings.ToLower(typed), strings.ToLower(name), least); n < least {
			best, least = name, n
		}
	}
	return best
}

// Question returns a question for the name that a mistyped one may stand for,
// to be put behind an error about it; it is "" if none is near.
func Question(typed string, names []string) string { return question("", Name(typed, names)) }

// Flag is Question for the name of a flag.
func Flag(typed string, names []string) string { return question("--", Name(typed, names)) }

// Part is Question, and where no name is near it asks for the shortest that
// holds what was typed.
func Part(typed string, names []string) string {
	best := Name(typed, names)
	if best == "" && len(typed) >= minPart {
		for _, name := range names {
			if strings.Contains(strings.ToLower(name), strings.ToLower(typed)) && (best == "" || len(name) < len(best)) {
				best = name
			}
		}
	}
	return question("", best)
}

// minPart is how many bytes the part of a name has at least.
const minPart = 3

func question(before, name string) string {
	if name == "" {
		return ""
	}
	return " (did you mean " + before + name + "?)"
}

// digits returns the digits of a name, but zeros.
func digits(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '1' && r <= '9' {
			return r
		}
		return -1
	}, name)
}

// edits counts the characters that must be put in, left out, replaced or
// exchanged with the next one to make one text of another. What is most or
// more is most.
func edits(a, b string, most int) int {
	from, to := []rune(a), []rune(b)
	if len(from)-len(to) >= most || len(to)-len(from) >= most {
		return most
	}
	before, row, next := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		next[0] = i + 1
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return min(row[len(to)], most)
}
