package finding

// FoldArguments is foldArguments.
func FoldArguments(line string) (folded, arguments string) { return foldArguments(line) }

// MaxContext is maxContext.
const MaxContext = maxContext
