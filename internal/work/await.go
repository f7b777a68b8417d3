package work

import "context"

// Await returns what do returns, or the cause of the context if that is
// cancelled before: for calls of the system that may wait indefinitely. Then do
// goes on alone, and what it returns is lost. A panic of do is the error.
func Await[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		if panicked := Guard(func() { r.value, r.err = do() }); panicked != nil {
			r.err = panicked
		}
		done <- r
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
