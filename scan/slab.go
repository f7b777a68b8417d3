package scan

// slab gives slices out of larger ones, where there are very many that last as
// long as each other.
type slab[T any] struct{ free []T }

// slabSize is how many elements are allocated at a time.
const slabSize = 64

// take returns a slice of n new elements.
func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		if n > slabSize/4 {
			return make([]T, n)
		}
		s.free = make([]T, slabSize)
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}

// keep returns a copy of a list, nil for an empty one.
func (s *slab[T]) keep(list []T) []T {
	if len(list) == 0 {
		return nil
	}
	kept := s.take(len(list))
	copy(kept, list)
	return kept
}
