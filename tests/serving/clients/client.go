// Go's standard HTTP client: prints its answers as JSON. Arguments: URL of the server, body of a request.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

var client = &http.Client{Timeout: 60 * time.Second}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func packed(text string) []byte {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	must(writer.Write([]byte(text)))
	writer.Close()
	return buffer.Bytes()
}

// infer sends a body; a reader of unknown length goes in chunks.
func infer(url string, body io.Reader, more map[string]string, trailer bool) any {
	request := must(http.NewRequest("POST", url, body))
	request.Header.Set("Content-Type", "application/json")
	for name, value := range more {
		request.Header.Set(name, value)
	}
	if trailer {
		request.Trailer = http.Header{"X-Sum": {"1"}}
	}
	response := must(client.Do(request))
	defer response.Body.Close()
	content := must(io.ReadAll(response.Body))
	if response.StatusCode != 200 {
		return fmt.Sprint(response.StatusCode, " ", string(content))
	}
	var answer struct{ Outputs []struct{ Data []float64 } }
	if err := json.Unmarshal(content, &answer); err != nil {
		return err.Error()
	}
	return answer.Outputs[0].Data
}

func main() {
	url, body := os.Args[1]+"/v2/models/match-outcome/infer", os.Args[2]
	head := must(client.Head(os.Args[1] + "/v2/health/ready"))
	said := map[string]any{
		"head":      head.StatusCode,
		"plain":     infer(url, strings.NewReader(body), nil, false),
		"chunked":   infer(url, io.MultiReader(strings.NewReader(body)), nil, false),
		"gzip":      infer(url, bytes.NewReader(packed(body)), map[string]string{"Content-Encoding": "gzip"}, false),
		"expect":    infer(url, strings.NewReader(body), map[string]string{"Expect": "100-continue"}, false),
		"trailer":   infer(url, io.MultiReader(strings.NewReader(body)), nil, true),
		"new conns": nil,
	}
	client.Transport = &http.Transport{DisableKeepAlives: true}
	said["new conns"] = infer(url, strings.NewReader(body), nil, false)
	fmt.Println(string(must(json.Marshal(said))))
}
