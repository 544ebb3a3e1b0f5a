// Node's standard clients, fetch and http: print their answers as JSON. Arguments: URL of the server, body of a request.
import http from 'node:http'
import { deflateSync, gzipSync } from 'node:zlib'

const [server, body] = process.argv.slice(2)
const url = `${server}/v2/models/match-outcome/infer`
const json = { 'content-type': 'application/json' }

const data = (status, text) => (status === 200 ? JSON.parse(text).outputs[0].data : `${status} ${text}`)

async function byFetch (content, headers = {}, more = {}) {
  const response = await fetch(url, { method: 'POST', body: content, headers: { ...json, ...headers }, ...more })
  return data(response.status, await response.text())
}

function byHttp (content, options = {}) {
  return new Promise((resolve, reject) => {
    const { headers, ...others } = options
    const request = http.request(url, { method: 'POST', headers: { ...json, ...headers }, ...others }, response => {
      let text = ''
      response.on('data', part => { text += part })
      response.on('end', () => resolve(data(response.statusCode, text)))
    })
    request.on('error', reject)
    for (const part of content) request.write(part)
    request.end()
  })
}

const stream = () => new ReadableStream({
  start (controller) {
    controller.enqueue(new TextEncoder().encode(body.slice(0, 40)))
    controller.enqueue(new TextEncoder().encode(body.slice(40)))
    controller.close()
  }
})

console.log(JSON.stringify({
  head: (await fetch(`${server}/v2/health/ready`, { method: 'HEAD' })).status,
  fetch: await byFetch(body),
  'fetch, gzip': await byFetch(gzipSync(body), { 'content-encoding': 'gzip' }),
  'fetch, deflate': await byFetch(deflateSync(body), { 'content-encoding': 'deflate' }),
  'fetch, stream': await byFetch(stream(), {}, { duplex: 'half' }),
  'http, chunked': await byHttp([body.slice(0, 40), body.slice(40)]),
  'http, length': await byHttp([body], { headers: { 'content-length': Buffer.byteLength(body) } }),
  'http, new connection': await byHttp([body], { agent: new http.Agent({ keepAlive: false }) })
}))
