package rules

// SetLimit makes a Correlator keep no more than so many events, for tests.
func (c *Correlator) SetLimit(events int) { c.limit = events }
