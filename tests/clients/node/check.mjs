// What the programs in this folder share: where the server is, and how a check ends.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'

export { assert, sleep }
export const host = '127.0.0.1'
export const port = Number(process.env.LARDER_PORT)
export const url = `redis://${host}:${port}`

const version = (name) =>
    JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version

/** Waits until `condition` holds and returns what it returned; fails loudly when it does not within `seconds`. */
export async function until(what, condition, seconds = 30) {
    const end = Date.now() + seconds * 1000
    for (;;) {
        const found = await condition()
        if (found) return found
        if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`)
        await sleep(10)
    }
}

/** Runs the checks of one library and says so in one line. Whatever goes wrong, in any callback, ends the program. */
export async function check(libraries, run) {
    const die = (error) => {
        console.error(inspect(error, { maxStringLength: 500 }))
        process.exit(1)
    }
    process.on('unhandledRejection', die)
    process.on('uncaughtException', die)
    const told = await run().catch(die)
    console.log(`${libraries.map((name) => `${name} ${version(name)}`).join(', ')}: ${told}`)
    process.exit(0)
}
