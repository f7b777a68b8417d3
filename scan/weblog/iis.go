package weblog

import (
	"fmt"
	"strconv"
	"strings"

	"webshellscan/scan/event"
)

// iisColumns is how many columns a line of IIS's first format has: client,
// user, date, time, service, computer, server's address, time taken in
// milliseconds, bytes received, bytes sent, status, Windows status, method,
// path, parameters.
const iisColumns = 15

// iisTime returns the stamp of a line of IIS's first format, which has no zone:
// month, day and year of two digits.
func iisTime(line []byte) (event.Time, bool) {
	date, ok1 := cell(line, 2, ',')
	clock, ok2 := cell(line, 3, ',')
	if !ok1 || !ok2 || len(date) > 12 || len(clock) > 10 {
		return 0, false
	}
	var month, day, year, hour, minute, second int
	if _, err := fmt.Sscanf(string(date), "%d/%d/%d", &month, &day, &year); err != nil {
		return 0, false
	}
	if _, err := fmt.Sscanf(string(clock), "%d:%d:%d", &hour, &minute, &second); err != nil {
		return 0, false
	}
	if year < 100 {
		year += 2000
	}
	return event.ParseTime(fmt.Appendf(nil, "%04d-%02d-%02d %02d:%02d:%02d", year, month, day, hour, minute, second))
}

// parseIIS reads a line of IIS's first format.
func parseIIS(line []byte, r *Request) bool {
	cells := strings.Split(string(line), ",")
	if len(cells) < iisColumns {
		return false
	}
	for i := range cells {
		cells[i] = known(strings.TrimSpace(cells[i]))
	}
	if _, ok := iisTime(line); !ok || !strings.HasPrefix(cells[4], "W3SVC") {
		return false
	}
	r.Client, r.User, r.Site, r.Computer, r.ServerIP = cells[0], cells[1], cells[4], cells[5], cells[6]
	if ms, err := strconv.ParseUint(cells[7], 10, 40); err == nil {
		r.Duration = event.Time(ms) * event.Millisecond
	}
	r.Status, _ = strconv.Atoi(cells[10])
	r.Method, r.URI, r.Query = cells[12], cells[13], cells[14]
	return r.URI != ""
}
