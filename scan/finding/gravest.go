package finding

import (
	"cmp"
	"slices"
)

// Branch is a node of a tree from which only some have room.
type Branch struct {
	// Above is the index of the node above, which stands before it; -1
	// for none.
	Above int
	// Weight is how much the node matters, from 0 on.
	Weight int
	// Cost is how much room it takes.
	Cost int
}

// Weight returns how much a process matters whose finding is f: 0 without one,
// 1 if a baseline has it, more by level.
func Weight(f *Finding) int {
	switch {
	case f == nil:
		return 0
	case f.Known:
		return 1
	}
	return int(f.Level) + 2
}

// KeepGravest chooses what is shown of a tree: the nodes that matter most, each
// with all that lie above it, as far as there is room. Of nodes that matter as
// much the first ones come first, and of those that do not matter the
// uppermost. Nodes that cost nothing are there already.
func KeepGravest(nodes []Branch, room int) []bool {
	depths := make([]int, len(nodes))
	order := make([]int, len(nodes))
	for i, n := range nodes {
		order[i] = i
		if n.Above >= 0 {
			depths[i] = depths[n.Above] + 1
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if c := cmp.Compare(nodes[b].Weight, nodes[a].Weight); c != 0 || nodes[a].Weight > 0 {
			return c
		}
		return cmp.Compare(depths[a], depths[b])
	})
	kept := make([]bool, len(nodes))
	var path []int
	for _, i := range order {
		cost := 0
		path = path[:0]
		for at := i; at >= 0 && !kept[at] && cost <= room; at = nodes[at].Above {
			path = append(path, at)
			cost += nodes[at].Cost
		}
		if cost > room {
			continue
		}
		room -= cost
		for _, at := range path {
			kept[at] = true
		}
	}
	return kept
}
