package scan

// slab allocates many small slices of one lifetime, as parts of larger ones.
type slab[T any] struct{ free []T }

// slabSize is how many elements are allocated at a time.
const slabSize = 64

// alloc returns a slice of n new elements.
func (s *slab[T]) alloc(n int) []T {
	if n > len(s.free) {
		if n > slabSize/4 {
			return make([]T, n)
		}
		s.free = make([]T, slabSize)
	}
	part := s.free[:n:n]
	s.free = s.free[n:]
	return part
}

// clone returns a copy of a list, nil for an empty one.
func (s *slab[T]) clone(list []T) []T {
	if len(list) == 0 {
		return nil
	}
	kept := s.alloc(len(list))
	copy(kept, list)
	return kept
}
