// One mode of gpu.js in a browser: the page imports this, or a worker runs it and is sent the job.
export async function run(job, say) {
  const { runAll } = await import('/test/gpu/built/test/gpu/suite.js')
  await runAll(job, (name, detail) =>
    say(detail instanceof Error ? { name, error: detail.message } : { name, detail }),
  )
}

if (typeof document === 'undefined')
  addEventListener('message', async ({ data }) => {
    if (data?.want === undefined) return
    await run(data, (line) => postMessage(line)).catch((error) =>
      postMessage({ name: 'suite', error: error.stack }),
    )
    postMessage('end')
  })
