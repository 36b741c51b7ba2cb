import { render } from 'preact'
import { App } from './app.tsx'
import { start } from './live/job.ts'
import './style/tokens.css'
import './style/layout.css'
import './style/parts.css'
import './style/graph.css'

render(<App />, document.getElementById('app')!)
void start()
