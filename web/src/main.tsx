// The page begins here.
import { render } from 'preact';
import { App } from './app';
import './styles/base.css';
import './styles/chat.css';
import './styles/code.css';

render(<App />, document.getElementById('app')!);
