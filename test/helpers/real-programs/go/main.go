// SPDX-License-Identifier: Apache-2.0

// HTTP and bare TCP with Go's own library, at both ends. `program serve PORT ECHO_PORT FILE` says "ready";
// `program ask ADDRESS PORT ECHO_PORT` says what it got, one line for each way.
package main

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const mb = 1 << 20

func main() {
	arguments := os.Args[2:]
	if os.Args[1] == "serve" {
		serve(arguments[0], arguments[1], arguments[2])
	} else {
		ask(arguments[0], arguments[1], arguments[2])
	}
}

func serve(port, echoPort, file string) {
	http.HandleFunc("/bytes/", func(answer http.ResponseWriter, request *http.Request) {
		size, _ := strconv.Atoi(request.URL.Path[len("/bytes/"):])
		answer.Write(data(size))
	})
	http.HandleFunc("/chunked/", func(answer http.ResponseWriter, request *http.Request) {
		size, _ := strconv.Atoi(request.URL.Path[len("/chunked/"):])
		for all := data(size); len(all) > 0; all = all[min(len(all), 7777):] {
			answer.Write(all[:min(len(all), 7777)])
			answer.(http.Flusher).Flush()
		}
	})
	// By sendfile().
	http.HandleFunc("/file", func(answer http.ResponseWriter, request *http.Request) {
		http.ServeFile(answer, request, file)
	})
	http.HandleFunc("/sum", func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprint(answer, sum(request.Body))
	})
	listener := must(net.Listen("tcp", ":"+echoPort))
	go echo(listener)
	web := must(net.Listen("tcp", ":"+port))
	fmt.Println("ready")
	panic(http.Serve(web, nil))
}

// Each byte goes back, by splice(): so io.Copy() does it between connections.
func echo(listener net.Listener) {
	for {
		connection := must(listener.Accept()).(*net.TCPConn)
		go func() {
			io.Copy(connection, connection)
			connection.CloseWrite()
		}()
	}
}

func ask(address, port, echoPort string) {
	url := "http://" + address + ":" + port
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 4
	say("kept alive", many(url, 2000, func(at int) string { return fmt.Sprint("/bytes/", at*37%5000) }))
	say("large", many(url, 8, func(int) string { return fmt.Sprint("/bytes/", 8*mb) }))
	say("chunked", many(url, 60, func(at int) string { return fmt.Sprint("/chunked/", at*10000) }))
	say("file", many(url, 8, func(int) string { return "/file" }))
	for _, size := range []int{0, 1, 5000, 300000, 20 * mb} {
		answer := must(http.Post(url+"/sum", "text/plain", bytes.NewReader(data(size))))
		say("sent", string(must(io.ReadAll(answer.Body))))
		// Without its length, so in chunks.
		answer = must(http.Post(url+"/sum", "text/plain", io.MultiReader(bytes.NewReader(data(size)))))
		say("sent in chunks", string(must(io.ReadAll(answer.Body))))
	}
	say("echoed", echoed(address+":"+echoPort))
}

// By four at once.
func many(url string, count int, path func(at int) string) string {
	sums := make([]string, count)
	var group sync.WaitGroup
	for worker := 0; worker < 4; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for at := worker; at < count; at += 4 {
				answer := must(http.Get(url + path(at)))
				sums[at] = sum(answer.Body)
				answer.Body.Close()
			}
		}(worker)
	}
	group.Wait()
	return sum(bytes.NewReader([]byte(fmt.Sprint(sums))))
}

// Small messages one by one, then many bytes both ways at once, and the end of one way.
func echoed(address string) string {
	connection := must(net.Dial("tcp", address)).(*net.TCPConn)
	reader := bufio.NewReader(connection)
	for at := 0; at < 300; at++ {
		fmt.Fprintln(connection, "message", at)
		must(reader.ReadString('\n'))
		time.Sleep(time.Millisecond)
	}
	go func() {
		connection.Write(data(20 * mb))
		connection.CloseWrite()
	}()
	return sum(reader)
}

func sum(reader io.Reader) string {
	hash := sha256.New()
	size := must(io.Copy(hash, reader))
	return fmt.Sprintf("%d %x", size, hash.Sum(nil))
}

// None like its neighbours: a byte that is lost or swapped shows.
func data(size int) []byte {
	all := make([]byte, size)
	block := must(aes.NewCipher(make([]byte, aes.BlockSize)))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(all, all)
	return all
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func say(what, got string) {
	fmt.Println(what + ": " + got)
}
