//go:build !windows

package source

import "errors"

// hasDevices is set if the names of isDevice are those of devices on this
// system.
const hasDevices = false

// openDevice opens a volume or a disk for reading, which Windows has names for.
func openDevice(string) (*File, error) { return nil, errors.ErrUnsupported }
