package source

import (
	"context"
	"errors"
	"strings"

	"webshellscan/scan/source/image"
	"webshellscan/scan/source/ntfs"
)

// minStretch is the shortest stretch of free clusters that is searched: the
// header of a chunk and one record.
const minStretch = 1024

// unallocated adds what no file of a volume has, to be searched for chunks of
// logs. Offsets are those of the volume.
func (x *expander) unallocated(ctx context.Context, c *container, origin Origin, place string, source image.File) {
	shown := c.path + separator + place + "/unallocated"
	v, err := ntfs.Open(source)
	if err != nil {
		return // reading its files reports it
	}
	var free []Stretch
	err = v.Free(ctx, func(start, end int64) error {
		if end-start >= minStretch {
			free = append(free, Stretch{start, end})
		}
		return nil
	})
	if err != nil {
		x.skip(shown, err)
	}
	if len(free) == 0 {
		return
	}
	origin.Carved = true
	origin.Member = strings.TrimPrefix(shown, origin.Container+separator)
	x.add(Input{Path: shown, Size: source.Size(), Origin: &origin, Stretches: free, open: func() (*File, error) {
		return &File{reader: source, size: source.Size()}, nil
	}})
}

// pageFiles are the files of a volume's root that hold what was in memory.
var pageFiles = []string{"pagefile.sys", "swapfile.sys"}

// carvePages adds the page files of a volume.
func (x *expander) carvePages(c *container, origin Origin, place string, v *ntfs.Volume) {
	for _, f := range v.Root(pageFiles) {
		shown := c.path + separator + place + "/" + f.Path
		if f.Elsewhere != "" {
			x.skip(shown, errors.New("its content is "+f.Elsewhere))
			continue
		}
		o := origin
		o.Carved = true
		o.Member = strings.TrimPrefix(shown, o.Container+separator)
		stream := f.Content
		x.add(Input{Path: shown, Size: stream.Size(), Origin: &o, Stretches: []Stretch{{0, stream.Size()}}, open: func() (*File, error) {
			return &File{reader: stream, size: stream.Size(), holes: stream.Hole}, nil
		}})
	}
}

// carveFile makes a file that was named, and is neither a log nor a container,
// one that is searched for chunks.
func carveFile(in Input) Input {
	in.Origin = &Origin{Container: in.Path, Carved: true}
	in.Stretches = []Stretch{{0, in.Size}}
	return in
}
