package api

import (
	"errors"
	"io/fs"

	"github.com/danielgtaylor/huma/v2"
)

func noLog() error { return huma.Error404NotFound("no log is served here") }

type tileInput struct {
	Path string `path:"path" maxLength:"64" doc:"Level or entries, number, width, as C2SP tlog-tiles has it, such as 0/x001/067 or entries/000.p/12"`
}

type proofInput struct {
	Index uint64 `query:"index" required:"true" maximum:"9007199254740991" doc:"Number of the entry, from 0"`
}

func (a *api) addLog() {
	add(a, operation{"/v1/log/checkpoint", "log-checkpoint", tagLog, "The log's checkpoint, a signed note", text(kindText)}, func(*struct{}) (Answer, error) {
		if a.config.Log == nil {
			return Answer{}, noLog()
		}
		f, err := a.config.Log.Checkpoint()
		if err != nil {
			return Answer{}, fault(err)
		}
		return Of(f, kindText+utf8, AskFor), nil
	})
	add(a, operation{"/v1/log/tile/" + rest, "log-tile", tagLog, "A tile of the log: hashes, or entries", binary(kindBinary)}, func(in *tileInput) (Answer, error) {
		if a.config.Log == nil {
			return Answer{}, noLog()
		}
		f, whole, err := a.config.Log.Tile("tile/" + in.Path)
		if err != nil {
			return Answer{}, fault(err)
		}
		return Of(f, kindBinary, Keep(whole)), nil
	})
	add(a, operation{"/v1/log/proof", "log-proof", tagLog, "Proof of an entry's place under the checkpoint (log.tlog-proof)", text(kindText)}, func(in *proofInput) (Answer, error) {
		if a.config.Prove == nil {
			return Answer{}, noLog()
		}
		proof, err := a.config.Prove(in.Index)
		if errors.Is(err, fs.ErrNotExist) {
			return Answer{}, huma.Error404NotFound("the log's checkpoint covers no entry of that number")
		}
		if err != nil {
			return Answer{}, fault(err)
		}
		return BytesOf(proof, kindText+utf8), nil
	})
}
